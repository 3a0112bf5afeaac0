import * as pulumi from "@pulumi/pulumi";
import type * as kubernetes from "@pulumi/kubernetes";
import { K3sCluster, type K3sNode } from "../components/cluster/k3sCluster";
import { podSecureNamespace } from "../components/cluster/namespace";
import { FileSystem } from "../components/lambda/fileSystem";
import { Instance, type MountArgs } from "../components/lambda/instance";
import { SshKey } from "../components/lambda/sshKey";
import { ownedName, type Owner } from "../components/lambda-cloud/naming";
import { MAX_FILE_SYSTEM_NAME_LENGTH } from "../components/lambda-cloud/schemas";
import type { NodePool, StackConfig } from "./config";

/** Namespace of the platform's own workloads. */
export const APPS_NAMESPACE = "sophia-ai";

/** Hours in an average month, as cloud bills count them. */
const HOURS_PER_MONTH = 730;

/** What the layers above stand on. */
export interface Foundation {
  readonly cluster: K3sCluster;
  /** Lambda instances by node name. */
  readonly instances: Readonly<Record<string, Instance>>;
  readonly namespaces: {
    /** The platform's own workloads; Pod Security "restricted". */
    readonly apps: kubernetes.core.v1.Namespace;
    /** Services that look at the nodes' hardware. */
    readonly gpuSystem: kubernetes.core.v1.Namespace;
  };
  readonly costPerHourUsd: pulumi.Output<number>;
  readonly costPerMonthUsd: pulumi.Output<number>;
}

/** One instance that is to be: pool settings and its short name, `<pool>-<n>`. */
interface PlannedNode {
  readonly name: string;
  readonly pool: NodePool;
}

/** The nodes of all pools, each with its stable short name. */
export function plannedNodes(nodes: StackConfig["nodes"]): PlannedNode[] {
  return Object.entries(nodes).flatMap(([poolName, pool]) =>
    Array.from({ length: pool.count }, (_, index) => ({ name: `${poolName}-${index + 1}`, pool })),
  );
}

/** Type and region pairs in order of preference: every region of a type before the next type. */
export function placements({ instanceTypes, regions }: Pick<NodePool, "instanceTypes" | "regions">) {
  return instanceTypes.flatMap((instanceType) => regions.map((region) => ({ instanceType, region })));
}

/** A node and the instance that it runs on. */
type LambdaNode = K3sNode & { readonly machine: Instance };

/** A file system where its nodes mount it. */
function buildFileSystems({ fileSystems }: StackConfig, owner: Owner): Record<string, MountArgs> {
  return Object.fromEntries(
    Object.entries(fileSystems).map(([name, { region, adopt, protect, name: given }]) => {
      const args = {
        name: given ?? ownedName(owner, name, {}, MAX_FILE_SYSTEM_NAME_LENGTH),
        region,
        ...(adopt === undefined ? {} : { adopt }),
      };
      const { id } = new FileSystem(name, args, { protect });
      return [name, { id, name: args.name, region, mountPoint: `/lambda/nfs/${name}` }];
    }),
  );
}

function buildNodes(config: StackConfig, owner: Owner): Record<string, LambdaNode> {
  const { sshPublicKey: publicKey } = config;
  const mounts = buildFileSystems(config, owner);
  // The key is in the name's hash, so that a new one stands beside the old one until the nodes have moved to it.
  const key = new SshKey("ssh-key", {
    name: ownedName(owner, config.cluster.name, { publicKey }),
    publicKey,
  });
  return Object.fromEntries(
    plannedNodes(config.nodes).map(({ name, pool }): [string, LambdaNode] => {
      const hostname = `${config.cluster.name}-${name}`;
      const launch = { image: { family: pool.imageFamily }, hostname };
      const machine = new Instance(name, {
        ...launch,
        name: ownedName(owner, hostname, launch),
        placements: placements(pool),
        sshKeyName: key.name,
        fileSystems: pool.fileSystems.flatMap((fileSystem) => mounts[fileSystem] ?? []),
        replacement: pool.replacement,
        capacityTimeoutMinutes: pool.waitForCapacityMinutes,
        tags: { "sophia-project": owner.project, "sophia-stack": owner.stack, "sophia-node": hostname },
      });
      const { role, labels, taints } = pool;
      return [name, { role, machine, ip: machine.ip, labels, taints }];
    }),
  );
}

function buildCluster(
  { cluster }: StackConfig,
  nodes: Readonly<Record<string, K3sNode>>,
  sshPrivateKey: pulumi.Output<string>,
): K3sCluster {
  return new K3sCluster(cluster.name, {
    nodes,
    release: { version: cluster.k3sVersion, downloadUrl: cluster.k3sDownloadUrl, sha256: cluster.k3sSha256 },
    ssh: { user: cluster.sshUser, port: cluster.sshPort, privateKey: sshPrivateKey },
    apiPort: cluster.apiPort,
    tlsSans: cluster.tlsSans,
  });
}

/** Instances, the cluster on them, and its namespaces. */
export function buildFoundation(config: StackConfig, sshPrivateKey: pulumi.Output<string>): Foundation {
  const nodes = buildNodes(config, { project: pulumi.getProject(), stack: pulumi.getStack() });
  const instances = Object.fromEntries(Object.entries(nodes).map(([name, { machine }]) => [name, machine]));
  const cluster = buildCluster(config, nodes, sshPrivateKey);
  // With the cluster goes all that is in it: a destroy needs no API server.
  const inCluster = { provider: cluster.provider, deletedWith: cluster };
  const costPerHourUsd = pulumi
    .all(Object.values(instances).map((instance) => instance.hourlyPriceUsd))
    .apply((prices) => round(prices.reduce((sum, price) => sum + price, 0)));
  return {
    cluster,
    instances,
    namespaces: {
      apps: podSecureNamespace(
        "apps-namespace",
        { name: APPS_NAMESPACE, podSecurity: "restricted" },
        inCluster,
      ),
      gpuSystem: podSecureNamespace(
        "gpu-system-namespace",
        {
          name: "gpu-system",
          podSecurity: "privileged",
          reason: "its pods read the hardware through host paths",
        },
        inCluster,
      ),
    },
    costPerHourUsd,
    costPerMonthUsd: costPerHourUsd.apply((hourly) => round(hourly * HOURS_PER_MONTH)),
  };
}

const round = (usd: number): number => Math.round(usd * 100) / 100;
