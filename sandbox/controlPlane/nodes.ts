/** Nodes as kwok plays them: a Node object with the capacity of an instance. */

/** A node to be registered. */
export interface NodeSpec {
  /** Unique in the cluster, an RFC 1123 name. */
  readonly name: string;
  readonly instanceType: string;
  /** Whole virtual CPUs. */
  readonly cpu: number;
  readonly memoryGib: number;
  /** Local disk. */
  readonly storageGib: number;
  /** Whole GPUs; 0 = the resource `nvidia.com/gpu` is absent. */
  readonly gpus: number;
  readonly architecture: "amd64" | "arm64";
  /** The node's internal address. */
  readonly ip: string;
  /** Added to the labels every node has. */
  readonly labels: Readonly<Record<string, string>>;
  /** `key=value:effect` or `key:effect`. */
  readonly taints: readonly string[];
  readonly region: string;
  /** What the node reports as its kubelet's version, such as `v1.36.3+k3s1`. */
  readonly kubeletVersion: string;
}

/** Selects the nodes that kwok plays. */
export const MANAGED_BY_KWOK = "kwok.x-k8s.io/node=fake";

const PODS_PER_NODE = "250";

/** One taint of a Node. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** Reads `key=value:effect` or `key:effect`; undefined if it is neither. */
export function parseTaint(text: string): Taint | undefined {
  const match = /^(?<key>[^=:]+)(?:=(?<value>[^:]*))?:(?<effect>NoSchedule|PreferNoSchedule|NoExecute)$/.exec(
    text,
  );
  const { key, value, effect } = match?.groups ?? {};
  if (key === undefined || effect === undefined) return undefined;
  return value === undefined ? { key, effect } : { key, value, effect };
}

/** The Node as it is applied: what a kubelet would register. */
export function renderNode(spec: NodeSpec): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: spec.name,
      annotations: { "kwok.x-k8s.io/node": "fake" },
      labels: {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/arch": spec.architecture,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": spec.instanceType,
        "topology.kubernetes.io/region": spec.region,
        "topology.kubernetes.io/zone": spec.region,
        ...spec.labels,
      },
    },
    spec: { taints: spec.taints.map(parseTaint).filter((taint) => taint !== undefined) },
  };
}

/** The Node's status as a kubelet would report it; kwok adds the conditions and keeps the rest. */
export function renderNodeStatus(spec: NodeSpec): object {
  const resources = {
    cpu: String(spec.cpu),
    memory: `${spec.memoryGib}Gi`,
    "ephemeral-storage": `${spec.storageGib}Gi`,
    pods: PODS_PER_NODE,
    ...(spec.gpus > 0 ? { "nvidia.com/gpu": String(spec.gpus) } : {}),
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: spec.name },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { type: "InternalIP", address: spec.ip },
        { type: "Hostname", address: spec.name },
      ],
      nodeInfo: {
        architecture: spec.architecture,
        bootID: "",
        containerRuntimeVersion: "containerd://2.2.0-k3s1",
        kernelVersion: "",
        kubeProxyVersion: "",
        kubeletVersion: spec.kubeletVersion,
        machineID: "",
        operatingSystem: "linux",
        osImage: "Ubuntu 22.04 LTS",
        systemUUID: "",
      },
    },
  };
}
