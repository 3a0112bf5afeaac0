/** The pods of our own workloads as pure data: what is here meets Pod Security "restricted" by construction. */
import type * as kubernetes from "@pulumi/kubernetes";

type PodSpec = kubernetes.types.input.core.v1.PodSpec;
type Container = kubernetes.types.input.core.v1.Container;
type Probe = kubernetes.types.input.core.v1.Probe;

/** CPU and memory as Kubernetes quantities. */
export interface Quantities {
  readonly cpu: string;
  readonly memory: string;
}

/** One container that serves HTTP. */
export interface PodArgs {
  readonly app: string;
  /** Image with tag or digest. */
  readonly image: string;
  /** Port the container listens on. */
  readonly port: number;
  /** Path of the health check. @default "/health" */
  readonly healthPath?: string;
  /** Host header of probes, for servers that refuse unknown hosts. @default - the pod's address */
  readonly probeHost?: string | undefined;
  readonly resources: { readonly requests: Quantities; readonly limits: Quantities };
  /** Whole GPUs. @default 0 */
  readonly gpus?: number;
  /** Plain variables. @default - none */
  readonly env?: Readonly<Record<string, string>>;
  /** Secret whose keys all become variables. @default - none */
  readonly secretName?: string | undefined;
  /** ConfigMap mounted read-only. @default - none */
  readonly configMap?: { readonly name: string; readonly path: string } | undefined;
}

/** Any fixed id but root's; images whose user is a name need a number for `runAsNonRoot` to be checkable. */
const USER_ID = 10001;

const TERMINATION_GRACE_SECONDS = 30;

function probes({
  port,
  healthPath = "/health",
  probeHost,
}: PodArgs): Record<"startupProbe" | "readinessProbe" | "livenessProbe", Probe> {
  const httpGet = {
    path: healthPath,
    port,
    ...(probeHost === undefined ? {} : { httpHeaders: [{ name: "Host", value: probeHost }] }),
  };
  return {
    startupProbe: { httpGet, periodSeconds: 5, failureThreshold: 30 },
    readinessProbe: { httpGet, periodSeconds: 10, timeoutSeconds: 3 },
    livenessProbe: { httpGet, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

function resources({ resources: { requests, limits }, gpus = 0 }: PodArgs): Container["resources"] {
  // GPUs are an extended resource: whole, and the limit is the request.
  const gpu = gpus > 0 ? { "nvidia.com/gpu": String(gpus) } : {};
  return { requests: { ...requests }, limits: { ...limits, ...gpu } };
}

/** A pod spec with one container, non-root, on a read-only root file system with a writable /tmp. */
export function podSpec(args: PodArgs): PodSpec {
  const { app, image, port, env = {}, secretName, configMap, gpus = 0 } = args;
  return {
    serviceAccountName: app,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: TERMINATION_GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      fsGroup: USER_ID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(gpus > 0
      ? {
          runtimeClassName: "nvidia",
          tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
        }
      : {}),
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { app } },
      },
    ],
    containers: [
      {
        name: "server",
        image,
        imagePullPolicy: "IfNotPresent",
        ports: [{ name: "http", containerPort: port }],
        env: Object.entries(env).map(([name, value]) => ({ name, value })),
        ...(secretName === undefined ? {} : { envFrom: [{ secretRef: { name: secretName } }] }),
        resources: resources(args),
        ...probes(args),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          ...(configMap === undefined ? [] : [{ name: "config", mountPath: configMap.path, readOnly: true }]),
        ],
      },
    ],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
      ...(configMap === undefined ? [] : [{ name: "config", configMap: { name: configMap.name } }]),
    ],
  };
}
