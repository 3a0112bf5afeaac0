import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { SophiaComponent, type SophiaType } from "../component";
import { externalKubeconfig } from "./kubeconfig";
import { agentScript, serverScript, type K3sRelease, type NodeFacts } from "./k3sScripts";

export const K3S_CLUSTER: SophiaType = "sophia:cluster:K3sCluster";

/** A machine that becomes a node. */
export interface K3sNode {
  readonly role: "server" | "agent";
  /** Changes when the machine is replaced, which bootstraps it anew. */
  readonly machine: pulumi.CustomResource;
  readonly ip: pulumi.Input<string>;
  /** @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** `key[=value]:effect` @default - none */
  readonly taints?: readonly string[];
}

export interface K3sClusterArgs {
  /** Machines by short name (`gpu-1`); the Kubernetes node is `<cluster>-<short name>`. Exactly one server. */
  readonly nodes: Readonly<Record<string, K3sNode>>;
  readonly release: K3sRelease;
  readonly ssh: {
    readonly user: string;
    readonly port: number;
    /** OpenSSH or PEM private key; stays secret. */
    readonly privateKey: pulumi.Output<string>;
  };
  /** Port of the API server. */
  readonly apiPort: number;
  /** Further names in the API server's certificate. */
  readonly tlsSans: readonly string[];
}

/** sshd may answer later than the instance is called active; one attempt a second. */
const DIAL_ATTEMPTS = 120;

/**
 * A k3s cluster on machines that exist already: bootstraps the server, then all agents at once, over SSH, and hands
 * out the Kubernetes provider.
 *
 * Replacing a machine bootstraps that node only. The provider's `clusterIdentifier` is fixed, so nothing inside the
 * cluster is replaced when an address or a certificate changes. Everything inside is deleted with this component:
 * a cluster that no longer answers can still be destroyed.
 */
export class K3sCluster extends SophiaComponent {
  /** Admin kubeconfig; secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** `https://<address>:<port>` */
  readonly apiUrl: pulumi.Output<string>;
  /** Use for everything inside the cluster. */
  readonly provider: kubernetes.Provider;
  /** Done when every node has joined; depend on these before placing pods. */
  readonly joined: readonly pulumi.Resource[];

  readonly #args: K3sClusterArgs;

  constructor(name: string, args: K3sClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super(K3S_CLUSTER, name, { version: args.release.version, nodes: Object.keys(args.nodes) }, opts);
    this.#args = args;
    const [serverName, server] = onlyServer(name, args.nodes);
    const serverToken = this.#token("server-token");
    const agentToken = this.#token("agent-token");
    this.apiUrl = pulumi.interpolate`https://${server.ip}:${args.apiPort}`;

    const serverBoot = this.#bootServer(serverName, server, serverToken, agentToken);
    const agentBoots = Object.entries(args.nodes)
      .filter(([, node]) => node.role === "agent")
      .map(([nodeName, node]) => this.#bootAgent(nodeName, node, agentToken, serverBoot));
    this.joined = [serverBoot, ...agentBoots];

    this.kubeconfig = this.#readKubeconfig(server, serverBoot);
    this.provider = new kubernetes.Provider(
      this.childName("provider"),
      {
        kubeconfig: this.kubeconfig,
        clusterIdentifier: `${pulumi.getStack()}/${name}`,
        enableConfigMapMutable: true,
        enableSecretMutable: true,
        kubeClientSettings: { qps: 200, burst: 400 },
      },
      { parent: this },
    );
    this.registerOutputs({ kubeconfig: this.kubeconfig, apiUrl: this.apiUrl });
  }

  #token(role: string): pulumi.Output<string> {
    return new random.RandomPassword(this.childName(role), { length: 48, special: false }, { parent: this })
      .result;
  }

  #bootServer(
    nodeName: string,
    node: K3sNode,
    serverToken: pulumi.Output<string>,
    agentToken: pulumi.Output<string>,
  ): command.remote.Command {
    const { release, apiPort, tlsSans } = this.#args;
    const create = pulumi
      .output(node.ip)
      .apply((ip) => serverScript(release, { ...this.#facts(nodeName, node), ip, apiPort, tlsSans }));
    return this.#remote(`${nodeName}-k3s`, node, create, {
      stdin: pulumi.interpolate`${serverToken}\n${agentToken}\n`,
    });
  }

  #bootAgent(
    nodeName: string,
    node: K3sNode,
    token: pulumi.Output<string>,
    server: pulumi.Resource,
  ): command.remote.Command {
    const create = this.apiUrl.apply((serverUrl) =>
      agentScript(this.#args.release, { ...this.#facts(nodeName, node), serverUrl }),
    );
    return this.#remote(`${nodeName}-k3s`, node, create, { stdin: pulumi.interpolate`${token}\n` }, [server]);
  }

  #facts(nodeName: string, { labels = {}, taints = [] }: K3sNode): NodeFacts {
    return { name: this.childName(nodeName), labels, taints };
  }

  #readKubeconfig(server: K3sNode, boot: pulumi.Resource): pulumi.Output<string> {
    const read = this.#remote(
      "kubeconfig",
      server,
      "sudo cat /etc/rancher/k3s/k3s.yaml",
      { logging: command.remote.Logging.None },
      [boot],
      ["stdout"],
    );
    return pulumi.secret(
      pulumi
        .all([read.stdout, this.apiUrl])
        .apply(([k3sYaml, apiUrl]) => externalKubeconfig(k3sYaml, this.name, apiUrl)),
    );
  }

  #remote(
    role: string,
    node: K3sNode,
    create: pulumi.Input<string>,
    args: Partial<command.remote.CommandArgs>,
    dependsOn: pulumi.Resource[] = [],
    additionalSecretOutputs: string[] = [],
  ): command.remote.Command {
    const { user, port, privateKey } = this.#args.ssh;
    return new command.remote.Command(
      this.childName(role),
      {
        connection: { host: node.ip, port, user, privateKey, dialErrorLimit: DIAL_ATTEMPTS },
        create,
        triggers: [node.machine.id],
        ...args,
      },
      // With the machine goes all that the script made, so a destroy needs no log-in.
      { parent: this, dependsOn, deletedWith: node.machine, additionalSecretOutputs },
    );
  }
}

function onlyServer(cluster: string, nodes: K3sClusterArgs["nodes"]): [string, K3sNode] {
  const servers = Object.entries(nodes).filter(([, node]) => node.role === "server");
  const [first] = servers;
  if (first === undefined || servers.length > 1) {
    throw new pulumi.RunError(
      `${cluster}: the number of server nodes is not supported (got ${servers.length}); expected exactly 1. Give one node the role server.`,
    );
  }
  return first;
}
