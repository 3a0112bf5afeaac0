/** All instances of the sandbox, following what the simulated Lambda Cloud says of them. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ControlPlane } from "../controlPlane/controlPlane";
import type { StageDelays } from "../controlPlane/stages";
import { stopStale } from "../processes/supervisor";
import { Cluster, type ClusterControl, type ControlPlaneFactory } from "./cluster";
import { deleteDisk, layout } from "./disk";
import { Host, type ReachableInstance } from "./host";
import type { InstanceSnapshot } from "./instance";
import { checkIsolation } from "./isolation";
import type { ClusterRegistry } from "./k3s";
import { RequestServer } from "./requests";

/** Where hosts live and what they are lent. */
export interface HostFleetOptions {
  /** Disks and clusters are kept here; a later fleet with the same folder goes on with them. */
  readonly dir: string;
  /** Folder with the control plane's programs and kubectl. */
  readonly binDir: string;
  /** The port of the SSH server of every instance, on the instance's own address. */
  readonly sshPort: number;
  /** How fast pods become ready. @default - see {@link StageDelays} */
  readonly delays?: StageDelays;
  /** Makes a cluster's control plane. @default - a real one from `binDir` */
  readonly controlPlane?: ControlPlaneFactory;
}

/** Statuses in which an instance can be logged into, once it has an address. */
const UP = ["booting", "active", "unhealthy"];

/** Boots, shuts down and removes hosts. Call {@link start} first and {@link stop} last. */
export class HostFleet {
  private readonly hosts = new Map<string, { readonly host: Host; status: string }>();
  private readonly turns = new Map<string, Promise<void>>();
  private readonly clusters = new Map<string, Cluster>();
  private readonly requests = new RequestServer();

  constructor(private readonly options: HostFleetOptions) {}

  /**
   * Ends what a crashed earlier fleet left running and gets ready for {@link apply}.
   * @throws ProblemReport if this machine doesn't let programs run isolated
   */
  async start(): Promise<void> {
    checkIsolation();
    mkdirSync(this.clustersDir(), { recursive: true, mode: 0o700 });
    for (const id of readdirSync(this.clustersDir())) {
      await stopStale(join(this.clustersDir(), id, "control-plane", "run"));
    }
    await this.requests.listen();
  }

  /**
   * Brings one host in line with its instance; resolves when its SSH server answers, or is gone. Calls for the same
   * instance are done one after the other.
   */
  apply(instance: InstanceSnapshot): Promise<void> {
    const before = this.turns.get(instance.id) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.follow(instance));
    this.turns.set(instance.id, turn);
    return turn;
  }

  /** Deletes the disks of all instances but these: those that ended while no fleet was running. */
  retain(ids: readonly string[]): void {
    const dir = this.hostsDir();
    if (!existsSync(dir)) return;
    for (const id of readdirSync(dir)) if (!ids.includes(id)) deleteDisk(layout(dir, id));
  }

  /** The addresses and administrators' kubeconfigs of the clusters that run now. */
  kubeconfigs(): string[] {
    return [...this.clusters.values()]
      .filter(({ isEmpty }) => !isEmpty)
      .map((cluster) => cluster.adminKubeconfig);
  }

  /** Stops everything; what is on disk comes back with the next fleet. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.turns.values());
    const hosts = [...this.hosts.values()].map(({ host }) => host);
    await Promise.all(hosts.map((host) => host.disconnect()));
    // Clusters first: a server that stops must not hand over to one that is about to.
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.stop()));
    await Promise.all(hosts.map((host) => host.shutdown()));
    this.hosts.clear();
    this.clusters.clear();
    await this.requests.close();
  }

  private async follow(instance: InstanceSnapshot): Promise<void> {
    const running = this.hosts.get(instance.id);
    if (isReachable(instance) && UP.includes(instance.status)) {
      const rebooted = instance.status === "booting" && running?.status === "active";
      if (running !== undefined) running.status = instance.status;
      if (running !== undefined && !rebooted) return;
      await running?.host.shutdown();
      const host = new Host(layout(this.hostsDir(), instance.id), instance, {
        sshPort: this.options.sshPort,
        requests: this.requests,
        clusters: this.registry,
        kubectl: this.kubectl(),
      });
      this.hosts.set(instance.id, { host, status: instance.status });
      await host.boot().catch(async (error: unknown) => {
        this.hosts.delete(instance.id);
        await host.shutdown();
        throw error;
      });
      return;
    }
    this.hosts.delete(instance.id);
    await running?.host.retire();
    if (instance.status === "terminated") deleteDisk(layout(this.hostsDir(), instance.id));
  }

  private readonly registry: ClusterRegistry = {
    open: (id, tokens = {}) => {
      const known = this.clusters.get(id);
      if (known !== undefined) return known;
      const cluster = new Cluster(join(this.clustersDir(), id), this.controlPlane, tokens);
      this.clusters.set(id, cluster);
      return cluster;
    },
    at: (host, port) => {
      const found = [...this.clusters].find(([, cluster]) => cluster.servesAt(host, port));
      return found === undefined ? undefined : { id: found[0], cluster: found[1] };
    },
    dropIfEmpty: (id) => {
      const cluster = this.clusters.get(id);
      if (cluster?.isEmpty !== true) return;
      this.clusters.delete(id);
      cluster.deleteData();
    },
  };

  private readonly controlPlane = (dir: string): ClusterControl => {
    const { binDir, delays, controlPlane } = this.options;
    if (controlPlane !== undefined) return controlPlane(dir);
    return new ControlPlane({ dir, binDir, ...(delays === undefined ? {} : { delays }) });
  };

  private kubectl(): string | undefined {
    const candidates = [join(this.options.binDir, "kubectl"), "/usr/bin/kubectl", "/usr/local/bin/kubectl"];
    return candidates.find((file) => existsSync(file));
  }

  private hostsDir(): string {
    return join(this.options.dir, "hosts");
  }

  private clustersDir(): string {
    return join(this.options.dir, "clusters");
  }
}

function isReachable(instance: InstanceSnapshot): instance is ReachableInstance {
  return instance.ip !== undefined;
}
