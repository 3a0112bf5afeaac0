/**
 * How kwok plays nodes, pods and load balancers: each stage says which objects it takes hold of and what it writes
 * into their status.
 * @see https://kwok.sigs.k8s.io/docs/user/stages-configuration/
 */
import { stringify } from "yaml";

/** How fast things happen, milliseconds. */
export interface StageDelays {
  /** From scheduled to ready. @default 200 */
  readonly podReadyMs?: number;
  /** From ready to completed, for pods of Jobs. @default 500 */
  readonly jobMs?: number;
}

const HEARTBEAT_MS = 300_000;

interface Match {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

const absent = (key: string): Match => ({ key, operator: "DoesNotExist" });
const present = (key: string): Match => ({ key, operator: "Exists" });
const oneOf = (key: string, ...values: string[]): Match => ({ key, operator: "In", values });
const noneOf = (key: string, ...values: string[]): Match => ({ key, operator: "NotIn", values });

const NODE_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status';

const NODE_STATUS = `
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
phase: Running
`;

const POD_READY = `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
conditions:
- { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
{{ range .spec.readinessGates }}
- { type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }} }
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state: { running: { startedAt: {{ $now | Quote }} } }
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: true
  restartCount: 0
  {{ if eq .restartPolicy "Always" }}
  started: true
  state: { running: { startedAt: {{ $now | Quote }} } }
  {{ else }}
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
  {{ end }}
{{ end }}
`;

const POD_COMPLETE = `
{{ $now := Now }}
phase: Succeeded
conditions:
- { type: Initialized, status: "True", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }} }
- { type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }} }
- { type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }} }
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
{{ end }}
`;

function stage(
  name: string,
  kind: string,
  matchExpressions: readonly Match[],
  next: object,
  delayMs = 0,
): object {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: "v1", kind },
      selector: { matchExpressions },
      ...(delayMs > 0 ? { delay: { durationMilliseconds: delayMs } } : {}),
      next,
    },
  };
}

/**
 * Renders kwok's configuration file.
 * @param loadBalancerIp - the address Services of type LoadBalancer get, as k3s' servicelb gives them a node's
 */
export function renderStages(loadBalancerIp: string, delays: StageDelays = {}): string {
  const { podReadyMs = 200, jobMs = 500 } = delays;
  const alive = absent(".metadata.deletionTimestamp");
  const stages = [
    stage("node-ready", "Node", [alive, noneOf(NODE_READY, "True")], { statusTemplate: NODE_STATUS }),
    stage(
      "node-heartbeat",
      "Node",
      [alive, oneOf(NODE_READY, "True")],
      { statusTemplate: NODE_STATUS },
      HEARTBEAT_MS,
    ),
    stage("pod-ready", "Pod", [alive, absent(".status.podIP")], { statusTemplate: POD_READY }, podReadyMs),
    stage(
      "pod-complete",
      "Pod",
      [alive, oneOf(".status.phase", "Running"), oneOf(".metadata.ownerReferences.[].kind", "Job")],
      { statusTemplate: POD_COMPLETE },
      jobMs,
    ),
    stage("pod-delete", "Pod", [present(".metadata.deletionTimestamp")], {
      finalizers: { empty: true },
      delete: true,
    }),
    stage(
      "load-balancer",
      "Service",
      [alive, oneOf(".spec.type", "LoadBalancer"), absent(".status.loadBalancer.ingress")],
      { statusTemplate: `loadBalancer: { ingress: [ { ip: ${JSON.stringify(loadBalancerIp)} } ] }\n` },
    ),
  ];
  return stages.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
}
