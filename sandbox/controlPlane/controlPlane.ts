/** A real Kubernetes control plane as plain processes: etcd, API server, controller manager, scheduler, and kwok. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Supervisor, stopStale } from "../processes/supervisor";
import { waitFor } from "../processes/waitFor";
import { ApiClient } from "./apiClient";
import { ensureIdentities, type ClusterIdentities } from "./certificates";
import { components, kubeconfigFile } from "./components";
import { freePort } from "../settings";
import { renderKubeconfig } from "./kubeconfig";
import { type NodeSpec, renderNode, renderNodeStatus } from "./nodes";
import { type StageDelays, renderStages } from "./stages";
import { VolumeProvisioner } from "./volumes";

const READY_DEADLINE_MS = 90_000;

/** Where a control plane lives. */
export interface ControlPlaneOptions {
  /** Its data; a second start with the same folder goes on where the first ended. */
  readonly dir: string;
  /** Folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok. */
  readonly binDir: string;
  /** How fast pods become ready. @default - see {@link StageDelays} */
  readonly delays?: StageDelays;
}

/** How a control plane is reached. */
export interface ControlPlaneStart {
  /** The address the API server listens on: a loopback address. */
  readonly address: string;
  readonly port: number;
  /** Further names and addresses of the API server. */
  readonly tlsSans: readonly string[];
  /** @default "10.43.0.0/16", as k3s */
  readonly serviceCidr?: string;
  /** Pods' addresses. @default "10.42.0.0/16", as k3s */
  readonly clusterCidr?: string;
  /** Further arguments of kube-apiserver as `key=value`; those that wire the parts together are not overridden. */
  readonly apiServerArgs?: readonly string[];
  /** Whether there is a default StorageClass `local-path` whose volumes are provided. @default true */
  readonly localStorage?: boolean;
}

/** Runs one cluster's control plane. Its parts are restarted when they die. */
export class ControlPlane {
  private readonly supervisor: Supervisor;
  private names: readonly string[] = [];
  private client: ApiClient | undefined;
  private provisioner: VolumeProvisioner | undefined;

  constructor(private readonly options: ControlPlaneOptions) {
    this.supervisor = new Supervisor(this.runDir());
  }

  /**
   * Starts everything and waits until the API server is ready.
   * @returns the administrator's kubeconfig, for `https://<address>:<port>`
   * @throws ProblemReport if it isn't ready in 90 s, with the log's last lines
   */
  async start(request: ControlPlaneStart): Promise<{ readonly kubeconfig: string }> {
    const { dir, binDir, delays } = this.options;
    const { address, port, tlsSans } = request;
    mkdirSync(join(dir, "logs"), { recursive: true, mode: 0o700 });
    await stopStale(this.runDir());
    this.names = servingNames(address, tlsSans);
    const identities = ensureIdentities(join(dir, "pki"), this.names);
    const server = `https://${address}:${port}`;
    this.writeKubeconfigs(server, identities);
    writeFileSync(join(dir, "stages.yaml"), renderStages(address, delays));
    const [etcd, apiServer, ...clients] = components({
      dir,
      binDir,
      address,
      port,
      etcdPort: await freePort("127.0.0.1"),
      etcdPeerPort: await freePort("127.0.0.1"),
      serviceCidr: request.serviceCidr ?? "10.43.0.0/16",
      clusterCidr: request.clusterCidr ?? "10.42.0.0/16",
      apiServerArgs: request.apiServerArgs ?? [],
      identities,
    });
    if (etcd === undefined || apiServer === undefined) throw new Error("control plane: no parts to start.");
    const client = new ApiClient(address, port, identities.ca, identities.admin);
    this.client = client;
    this.supervisor.start(etcd);
    this.supervisor.start(apiServer);
    await waitFor(`API server at ${server}`, async () => (await client.get("/readyz")) === "ok", {
      deadlineMs: READY_DEADLINE_MS,
      logFile: apiServer.logFile,
    });
    for (const spec of clients) this.supervisor.start(spec);
    if (request.localStorage ?? true) this.provisioner = await VolumeProvisioner.start(client);
    return { kubeconfig: renderKubeconfig(server, identities.ca, identities.admin) };
  }

  /** Registers a node, or brings an existing one up to date; it is ready a moment later. */
  async registerNode(spec: NodeSpec): Promise<void> {
    const client = this.running();
    const path = `/api/v1/nodes/${spec.name}`;
    await client.apply(path, renderNode(spec));
    await client.apply(`${path}/status`, renderNodeStatus(spec));
  }

  /** Removes a node; its pods are rescheduled. One that is gone already is no error. */
  async removeNode(name: string): Promise<void> {
    await this.running().delete(`/api/v1/nodes/${name}`);
  }

  /** Lets the API server be reached under further names and addresses too; it picks the new certificate up by itself. */
  serveAs(tlsSans: readonly string[]): void {
    this.names = [...this.names, ...tlsSans];
    ensureIdentities(join(this.options.dir, "pki"), this.names);
  }

  /** SHA-256 of the authority's certificate in hexadecimal, as it stands in k3s' node tokens. */
  caHash(): string {
    return createHash("sha256")
      .update(readFileSync(join(this.options.dir, "pki", "ca.crt")))
      .digest("hex");
  }

  /** The process id of one part, such as `kube-apiserver`; undefined while it isn't running. */
  pid(part: string): number | undefined {
    return this.supervisor.pid(part);
  }

  /** Stops everything; the data stays. */
  async stop(): Promise<void> {
    await this.provisioner?.stop();
    this.provisioner = undefined;
    await this.supervisor.stopAll();
    this.client?.close();
    this.client = undefined;
  }

  private running(): ApiClient {
    if (this.client === undefined) throw new Error("control plane: not started. Call start() first.");
    return this.client;
  }

  private runDir(): string {
    return join(this.options.dir, "run");
  }

  private writeKubeconfigs(server: string, identities: ClusterIdentities): void {
    const { ca, controllerManager, scheduler, kubelets } = identities;
    for (const [part, user] of Object.entries({
      "controller-manager": controllerManager,
      scheduler,
      kubelets,
    })) {
      writeFileSync(kubeconfigFile(this.options.dir, part), renderKubeconfig(server, ca, user), {
        mode: 0o600,
      });
    }
  }
}

function servingNames(address: string, tlsSans: readonly string[]): string[] {
  const inCluster = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  return [
    address,
    "127.0.0.1",
    "localhost",
    ...inCluster,
    "kubernetes.default.svc.cluster.local",
    ...tlsSans,
  ];
}
