/** The k3s service of one instance: what the real one does that others notice. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneStart } from "../controlPlane/controlPlane";
import type { NodeSpec } from "../controlPlane/nodes";
import type { Cluster } from "./cluster";
import { type DiskLayout, onDisk, writeOnDisk } from "./disk";
import type { InstanceSnapshot } from "./instance";
import {
  checkConfig,
  type K3sConfig,
  K3sRefusal,
  type K3sRole,
  mergeConfig,
  parseArgs,
  toRecord,
} from "./k3sConfig";
import { parseEnvironment, type ServiceRunner, type UnitFile } from "./systemd";

const RETRY_MS = 300;
const DEFAULT_PORT = 6443;
const CONFIG_FILE = "/etc/rancher/k3s/config.yaml";

/** Variables k3s takes in place of keys of its configuration. */
const VARIABLES: Readonly<Record<string, string>> = {
  K3S_TOKEN: "token",
  K3S_TOKEN_FILE: "token-file",
  K3S_AGENT_TOKEN: "agent-token",
  K3S_AGENT_TOKEN_FILE: "agent-token-file",
  K3S_URL: "server",
  K3S_NODE_NAME: "node-name",
  K3S_KUBECONFIG_OUTPUT: "write-kubeconfig",
  K3S_KUBECONFIG_MODE: "write-kubeconfig-mode",
};

/** The clusters of the sandbox. */
export interface ClusterRegistry {
  /** The cluster with this id, from its data or a new one. */
  open(
    id: string,
    tokens?: { readonly server?: string | undefined; readonly agent?: string | undefined },
  ): Cluster;
  /** The cluster that is reached there. */
  at(host: string, port: number): { readonly id: string; readonly cluster: Cluster } | undefined;
  /** Forgets a cluster that has no server left. */
  dropIfEmpty(id: string): void;
}

interface Membership {
  readonly cluster: Cluster;
  readonly node: string;
  readonly role: K3sRole;
}

/** Starts and stops k3s on one instance. Other services are taken for running. */
export class K3s implements ServiceRunner {
  private membership: Membership | undefined;

  constructor(
    private readonly disk: DiskLayout,
    private readonly instance: InstanceSnapshot & { readonly ip: string },
    private readonly clusters: ClusterRegistry,
  ) {}

  async start(
    unit: string,
    file: UnitFile,
    log: (line: string) => void,
    cancelled: AbortSignal,
  ): Promise<void> {
    const [program = "", role, ...args] = file.execStart;
    if (basename(program) !== "k3s") {
      log("not run: the sandbox plays k3s only");
      return;
    }
    const version = this.installedVersion(program);
    if (role !== "server" && role !== "agent") throw new K3sRefusal(`No help topic for '${role ?? ""}'`);
    const config = this.readConfig(role, file, args);
    const token = this.secret(config.token, config["token-file"]);
    if (role === "server") await this.serve(config, token, version, log, cancelled);
    else await this.join(config, token ?? "", version, log, cancelled);
    if (cancelled.aborted) await this.stop();
  }

  /** Ends k3s here; the node stays known to its cluster, as with the real one. */
  async stop(): Promise<void> {
    if (this.membership?.role === "server") await this.membership.cluster.removeServer(this.instance.id);
  }

  /** The instance goes for good: its node is removed, and with the last server the cluster. */
  async leave(): Promise<void> {
    await this.stop();
    // A cluster that can't be reached keeps the node; its instance goes all the same.
    await this.membership?.cluster.removeNode(this.membership.node).catch(() => undefined);
    this.membership = undefined;
    const id = this.clusterId();
    if (id !== undefined) this.clusters.dropIfEmpty(id);
  }

  private async serve(
    config: K3sConfig,
    token: string | undefined,
    version: string,
    log: (line: string) => void,
    cancelled: AbortSignal,
  ): Promise<void> {
    const agent = this.secret(config["agent-token"], config["agent-token-file"]);
    const known = this.clusterId();
    let clusterId = known ?? this.instance.id;
    if (known === undefined && config.server !== undefined) {
      const found = await this.find(config.server, log, cancelled);
      if (found === undefined) return;
      found.cluster.checkToken(token ?? "", "server", config.server);
      clusterId = found.id;
    }
    const cluster = this.clusters.open(clusterId, { server: token, agent });
    writeFileSync(join(this.disk.dir, "cluster"), clusterId, { mode: 0o600 });
    const request = this.startRequest(config);
    try {
      await cluster.addServer({ instanceId: this.instance.id, request });
      this.writeServerFiles(config, cluster, request.port);
      const etcd = config["cluster-init"] === true || config.server !== undefined;
      await this.register(cluster, "server", config, version, {
        "node-role.kubernetes.io/control-plane": "true",
        ...(etcd ? { "node-role.kubernetes.io/etcd": "true" } : {}),
      });
    } catch (error) {
      await cluster.removeServer(this.instance.id);
      throw error;
    }
  }

  private async join(
    config: K3sConfig,
    token: string,
    version: string,
    log: (line: string) => void,
    cancelled: AbortSignal,
  ): Promise<void> {
    const url = config.server ?? "";
    const found = await this.find(url, log, cancelled);
    if (found === undefined) return;
    found.cluster.checkToken(token, "agent", url);
    await this.register(found.cluster, "agent", config, version, {});
  }

  private async register(
    cluster: Cluster,
    role: K3sRole,
    config: K3sConfig,
    version: string,
    roleLabels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { instance } = this;
    const spec: NodeSpec = {
      name: (config["node-name"] ?? instance.hostname).toLowerCase(),
      instanceType: instance.instanceType,
      cpu: instance.vcpus,
      memoryGib: instance.memoryGib,
      storageGib: instance.storageGib,
      gpus: instance.gpus,
      architecture: instance.architecture,
      ip: config["node-ip"]?.[0] ?? instance.ip,
      labels: { ...roleLabels, ...toRecord(config["node-label"] ?? []) },
      taints: config["node-taint"] ?? [],
      region: instance.region,
      kubeletVersion: version,
    };
    await cluster.registerNode(spec);
    this.membership = { cluster, node: spec.name, role };
  }

  /** Waits for a server as k3s does: for as long as it takes. */
  private async find(
    url: string,
    log: (line: string) => void,
    cancelled: AbortSignal,
  ): Promise<{ id: string; cluster: Cluster } | undefined> {
    if (!URL.canParse(url)) throw new K3sRefusal(`invalid server url: ${url}`);
    const { hostname, port } = new URL(url);
    const find = (): { id: string; cluster: Cluster } | undefined =>
      this.clusters.at(hostname, port === "" ? 443 : Number(port));
    if (find() === undefined)
      log(`level=error msg="failed to get CA certs: ${url}/cacerts: connection refused"`);
    while (!cancelled.aborted) {
      const found = find();
      if (found !== undefined) return found;
      await sleep(RETRY_MS);
    }
    return undefined;
  }

  private startRequest(config: K3sConfig): ControlPlaneStart {
    const [serviceCidr] = config["service-cidr"] ?? [];
    const [clusterCidr] = config["cluster-cidr"] ?? [];
    return {
      address: this.instance.ip,
      port: Number(config["https-listen-port"] ?? DEFAULT_PORT),
      tlsSans: [...(config["tls-san"] ?? []), this.instance.hostname],
      ...(serviceCidr === undefined ? {} : { serviceCidr }),
      ...(clusterCidr === undefined ? {} : { clusterCidr }),
      apiServerArgs: (config["kube-apiserver-arg"] ?? []).map((arg) => this.withDiskPath(arg)),
      localStorage: !(config.disable ?? []).includes("local-storage"),
    };
  }

  /** The API server runs outside: paths of the instance are turned into this machine's. */
  private withDiskPath(arg: string): string {
    const { name, path } = /^(?<name>[\w-]+-(?:file|path))=(?<path>\/.*)$/.exec(arg)?.groups ?? {};
    if (name === undefined || path === undefined) return arg;
    const file = onDisk(this.disk, path);
    mkdirSync(dirname(file), { recursive: true });
    return `${name}=${file}`;
  }

  private writeServerFiles(config: K3sConfig, cluster: Cluster, port: number): void {
    // k3s writes the loopback address; users put the server's own there.
    const local = cluster.adminKubeconfig.replace(/server: \S+/, `server: https://127.0.0.1:${port}`);
    const mode = Number.parseInt(config["write-kubeconfig-mode"] ?? "0600", 8);
    writeOnDisk(this.disk, config["write-kubeconfig"] ?? "/etc/rancher/k3s/k3s.yaml", local, mode);
    writeOnDisk(this.disk, "/var/lib/rancher/k3s/server/node-token", `${cluster.nodeToken}\n`, 0o600);
    writeOnDisk(this.disk, "/var/lib/rancher/k3s/server/token", `${cluster.nodeToken}\n`, 0o600);
    writeOnDisk(this.disk, "/run/k3s-server", `https://${this.instance.ip}:${port}\n`);
  }

  private readConfig(role: K3sRole, file: UnitFile, args: readonly string[]): K3sConfig {
    const given = parseArgs(args);
    const { config: path = CONFIG_FILE, ...flags } = given;
    const main = typeof path === "string" ? path : CONFIG_FILE;
    const folder = `${main}.d`;
    const parts = existsSync(onDisk(this.disk, folder)) ? readdirSync(onDisk(this.disk, folder)).sort() : [];
    const paths = [main, ...parts.filter((name) => /\.ya?ml$/.test(name)).map((name) => `${folder}/${name}`)];
    const files = paths
      .filter((name) => existsSync(onDisk(this.disk, name)))
      .map((name) => ({ path: name, content: this.readFile(name) }));
    return checkConfig(role, { ...this.fromEnvironment(file), ...mergeConfig(files, flags) });
  }

  private fromEnvironment({ environment, environmentFiles }: UnitFile): Record<string, string> {
    const files = environmentFiles.map((path) => {
      const name = path.replace(/^-/, "");
      if (path.startsWith("-") && !existsSync(onDisk(this.disk, name))) return {};
      return parseEnvironment(this.readFile(name));
    });
    const all: Record<string, string> = Object.assign({}, environment, ...files) as Record<string, string>;
    return Object.fromEntries(
      Object.entries(VARIABLES).flatMap(([name, key]) => (all[name] === undefined ? [] : [[key, all[name]]])),
    );
  }

  private secret(value: string | undefined, path: string | undefined): string | undefined {
    return value ?? (path === undefined ? undefined : this.readFile(path).trim());
  }

  private readFile(path: string): string {
    try {
      return readFileSync(onDisk(this.disk, path), "utf8");
    } catch {
      throw new K3sRefusal(`open ${path}: no such file or directory`);
    }
  }

  private installedVersion(program: string): string {
    const file = onDisk(this.disk, program);
    if (!existsSync(file))
      throw new K3sRefusal(`Failed at step EXEC spawning ${program}: No such file or directory`);
    try {
      accessSync(file, constants.X_OK);
    } catch {
      throw new K3sRefusal(`Failed at step EXEC spawning ${program}: Permission denied`);
    }
    const version = /^# k3s (\S+),/m.exec(readFileSync(file, "utf8"))?.[1];
    if (version === undefined)
      throw new K3sRefusal(`Failed at step EXEC spawning ${program}: Exec format error`);
    return version;
  }

  private clusterId(): string | undefined {
    const file = join(this.disk.dir, "cluster");
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }
}
