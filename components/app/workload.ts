import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { commonLabels, SophiaComponent, type SophiaType } from "../component";
import { podSpec, type PodArgs } from "./podTemplate";

export const WORKLOAD: SophiaType = "sophia:app:Workload";

/** One HTTP service of the platform. */
export interface WorkloadArgs extends Omit<PodArgs, "secretName" | "configMap"> {
  readonly namespace: pulumi.Input<string>;
  /** What kind of part this is, such as `mcp-server`: the label app.kubernetes.io/component. */
  readonly component: string;
  readonly replicas: number;
  /** Port of the Service. @default - the container's port */
  readonly servicePort?: number;
  /** Further pod labels. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Secret environment variables. They become a Secret of the workload's own. @default - no Secret */
  readonly secrets?: Readonly<Record<string, pulumi.Output<string>>>;
  /** Files of a ConfigMap of the workload's own, mounted read-only. @default - no ConfigMap */
  readonly config?: { readonly path: string; readonly files: Readonly<Record<string, string>> };
}

/** The API server's answer is all that is needed of a Service: the Deployment behind it is awaited anyway. */
const SKIP_AWAIT = { "pulumi.com/skipAwait": "true" };

/** How long the pods may take to become ready before this one workload is reported as failed. */
const READY_TIMEOUT = "5m";

/**
 * A Deployment with its Service and ServiceAccount and, where there is something to put in, its Secret and ConfigMap.
 * All objects carry the name `app`. Pods meet Pod Security "restricted". A changed Secret or ConfigMap restarts the
 * pods of this workload and of no other.
 */
export class Workload extends SophiaComponent {
  /** Name of the Service. */
  readonly serviceName: pulumi.Output<string>;
  /** `<service>.<namespace>.svc` */
  readonly host: pulumi.Output<string>;
  /** Port of the Service. */
  readonly port: number;

  constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions, type = WORKLOAD) {
    super(type, name, { image: args.image, port: args.port, replicas: args.replicas }, opts);
    const { app, namespace } = args;
    const metadata = { name: app, namespace, labels: commonLabels(app, args.component) };
    const account = new kubernetes.core.v1.ServiceAccount(
      this.childName("account"),
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    const secret = this.#secret(args, metadata);
    const configMap = this.#configMap(args, metadata);
    this.#deployment(args, metadata, [account, ...secret.made, ...configMap.made], {
      ...secret.checksum,
      ...configMap.checksum,
    });
    this.port = args.servicePort ?? args.port;
    const service = new kubernetes.core.v1.Service(
      this.childName("service"),
      {
        metadata: { ...metadata, annotations: SKIP_AWAIT },
        spec: { selector: { app }, ports: [{ name: "http", port: this.port, targetPort: "http" }] },
      },
      { parent: this },
    );
    this.serviceName = service.metadata.name;
    this.host = pulumi.interpolate`${service.metadata.name}.${service.metadata.namespace}.svc`;
    this.registerOutputs({ serviceName: this.serviceName, host: this.host, port: this.port });
  }

  #secret({ app, secrets = {} }: WorkloadArgs, metadata: ObjectMeta): Mounted {
    if (Object.keys(secrets).length === 0) return { made: [], checksum: {} };
    const data = pulumi.all(secrets);
    const secret = new kubernetes.core.v1.Secret(
      this.childName("secret"),
      { metadata: { ...metadata, name: app }, stringData: data },
      { parent: this },
    );
    // A digest of random keys gives none of them away, and as a plain value it keeps the pod template readable in diffs.
    const digest = pulumi.unsecret(data.apply((values) => checksum(values)));
    return { made: [secret], checksum: { "sophia-ai/secret-checksum": digest } };
  }

  #configMap({ config }: WorkloadArgs, metadata: ObjectMeta): Mounted {
    if (config === undefined) return { made: [], checksum: {} };
    const configMap = new kubernetes.core.v1.ConfigMap(
      this.childName("config"),
      { metadata, data: { ...config.files } },
      { parent: this },
    );
    return { made: [configMap], checksum: { "sophia-ai/config-checksum": checksum(config.files) } };
  }

  #deployment(
    args: WorkloadArgs,
    metadata: ObjectMeta,
    dependsOn: pulumi.Resource[],
    annotations: Annotations,
  ): void {
    const { app, secrets = {}, config } = args;
    const pod = podSpec({
      ...args,
      secretName: Object.keys(secrets).length === 0 ? undefined : app,
      configMap: config === undefined ? undefined : { name: app, path: config.path },
    });
    new kubernetes.apps.v1.Deployment(
      this.childName("deployment"),
      {
        metadata,
        spec: {
          replicas: args.replicas,
          revisionHistoryLimit: 5,
          selector: { matchLabels: { app } },
          strategy: rollingUpdate(args.gpus),
          template: {
            metadata: { labels: { ...metadata.labels, ...args.labels }, annotations },
            spec: pod,
          },
        },
      },
      { parent: this, dependsOn, customTimeouts: { create: READY_TIMEOUT, update: READY_TIMEOUT } },
    );
  }
}

type Annotations = Record<string, pulumi.Input<string>>;

interface ObjectMeta {
  readonly name: string;
  readonly namespace: pulumi.Input<string>;
  readonly labels: Record<string, string>;
}

/** What a Secret or ConfigMap adds to the pods: the object itself, and a checksum that rolls them when it changes. */
interface Mounted {
  readonly made: pulumi.Resource[];
  readonly checksum: Annotations;
}

/** One pod more than wanted while rolling; one fewer where pods hold GPUs, because no spare GPU need exist. */
function rollingUpdate(gpus = 0): kubernetes.types.input.apps.v1.DeploymentStrategy {
  const [maxSurge, maxUnavailable] = gpus > 0 ? [0, 1] : [1, 0];
  return { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } };
}

/** A short digest of the values, whatever the order of their keys. */
function checksum(values: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}
