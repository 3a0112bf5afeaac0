/** One cluster that instances of the sandbox form: its tokens, its servers, and the control plane behind them. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import type { ControlPlaneStart } from "../controlPlane/controlPlane";
import type { NodeSpec } from "../controlPlane/nodes";
import { K3sRefusal } from "./k3sConfig";

/** What a cluster needs of a control plane; {@link ControlPlane} is one. */
export interface ClusterControl {
  start(request: ControlPlaneStart): Promise<{ readonly kubeconfig: string }>;
  stop(): Promise<void>;
  serveAs(names: readonly string[]): void;
  caHash(): string;
  registerNode(spec: NodeSpec): Promise<void>;
  removeNode(name: string): Promise<void>;
}

/** Makes a control plane that keeps its data in a folder. */
export type ControlPlaneFactory = (dir: string) => ClusterControl;

/** An instance that runs `k3s server`. */
export interface ClusterServer {
  readonly instanceId: string;
  /** How its API server is asked to start, should it be this one that runs it. */
  readonly request: ControlPlaneStart;
}

const tokensSchema = z.object({ server: z.string(), agent: z.string() });

/**
 * k3s keeps a copy of the cluster's data on each server; here there is one control plane, which listens on the
 * address of one server, and the others pass connections on to it. When that server goes, another takes over.
 */
export class Cluster {
  private readonly control: ClusterControl;
  private readonly servers = new Map<string, ClusterServer>();
  private readonly forwards = new Map<string, { server: Server; sockets: Set<Socket> }>();
  private leader: ClusterServer | undefined;
  private kubeconfig = "";
  private stopped = false;
  private last: Promise<void> = Promise.resolve();
  private readonly tokens: z.infer<typeof tokensSchema>;

  /**
   * @param dir - the cluster's data; tokens found there win over the ones given, as k3s does
   * @param tokens - absent ones are made up
   */
  constructor(
    private readonly dir: string,
    factory: ControlPlaneFactory,
    tokens: { readonly server?: string | undefined; readonly agent?: string | undefined },
  ) {
    const file = join(dir, "tokens.json");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const server = tokens.server ?? randomBytes(16).toString("hex");
    this.tokens = existsSync(file)
      ? tokensSchema.parse(JSON.parse(readFileSync(file, "utf8")))
      : { server, agent: tokens.agent ?? server };
    writeFileSync(file, JSON.stringify(this.tokens), { mode: 0o600 });
    this.control = factory(join(dir, "control-plane"));
  }

  /** The token as k3s writes it to `node-token`: with the authority's hash. */
  get nodeToken(): string {
    return `K10${this.control.caHash()}::server:${this.tokens.server}`;
  }

  /** The administrator's kubeconfig, naming the leader's address. */
  get adminKubeconfig(): string {
    return this.kubeconfig;
  }

  get isEmpty(): boolean {
    return this.servers.size === 0;
  }

  /** Adds a server: the first one runs the API server. */
  addServer(server: ClusterServer): Promise<void> {
    return this.inTurn(() => this.add(server));
  }

  /** Removes a server; if it ran the API server, another one does so from now on. */
  removeServer(instanceId: string): Promise<void> {
    return this.inTurn(() => this.remove(instanceId));
  }

  /** Whether one of the servers is reached by this name or address and port. */
  servesAt(host: string, port: number): boolean {
    return [...this.servers.values()].some(
      ({ request }) => request.port === port && [request.address, ...request.tlsSans].includes(host),
    );
  }

  /** Servers come and go one at a time. */
  private inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.last.then(change);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async add(server: ClusterServer): Promise<void> {
    if (this.stopped) throw new K3sRefusal("the sandbox is being stopped");
    this.servers.set(server.instanceId, server);
    if (this.leader === undefined) {
      await this.lead(server);
      return;
    }
    this.control.serveAs([server.request.address, ...server.request.tlsSans]);
    await this.forward(server);
  }

  private async remove(instanceId: string): Promise<void> {
    this.servers.delete(instanceId);
    await this.stopForward(instanceId);
    if (this.leader?.instanceId !== instanceId) return;
    this.leader = undefined;
    await this.control.stop();
    const [next] = this.servers.values();
    if (next === undefined) return;
    await this.stopForward(next.instanceId);
    await this.lead(next);
    for (const other of this.servers.values()) if (other !== next) await this.restartForward(other);
  }

  /** @throws K3sRefusal for a token that isn't this cluster's, as k3s words it */
  checkToken(token: string, role: "server" | "agent", url: string): void {
    const { hash, password } = /^K10(?<hash>[0-9a-f]{64})::[^:]+:(?<password>.*)$/s.exec(token)?.groups ?? {};
    const hashHere = this.control.caHash();
    if (hash !== undefined && hash !== hashHere) {
      throw new K3sRefusal(
        `token CA hash does not match the Cluster CA certificate hash: ${hash} != ${hashHere}`,
      );
    }
    const allowed = role === "agent" ? [this.tokens.server, this.tokens.agent] : [this.tokens.server];
    if (!allowed.includes(password ?? token)) {
      throw new K3sRefusal(
        `failed to validate token: token is not valid: ${url}/v1-k3s/config: 401 Unauthorized`,
      );
    }
  }

  registerNode(spec: NodeSpec): Promise<void> {
    return this.control.registerNode(spec);
  }

  async removeNode(name: string): Promise<void> {
    if (this.leader !== undefined) await this.control.removeNode(name);
  }

  /** Stops the processes for this run of the sandbox; the data stays. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.inTurn(() => this.shutdown());
  }

  private async shutdown(): Promise<void> {
    this.leader = undefined;
    this.servers.clear();
    for (const id of [...this.forwards.keys()]) await this.stopForward(id);
    await this.control.stop();
  }

  /** Forgets the cluster. */
  deleteData(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async lead(server: ClusterServer): Promise<void> {
    const others = [...this.servers.values()].flatMap(({ request }) => [request.address, ...request.tlsSans]);
    const { kubeconfig } = await this.control.start({ ...server.request, tlsSans: others });
    this.kubeconfig = kubeconfig;
    this.leader = server;
  }

  private async restartForward(server: ClusterServer): Promise<void> {
    await this.stopForward(server.instanceId);
    await this.forward(server);
  }

  private forward({ instanceId, request }: ClusterServer): Promise<void> {
    const target = this.leader?.request;
    if (target === undefined) throw new Error("cluster: nothing to forward to.");
    const sockets = new Set<Socket>();
    const server = createServer((incoming) => {
      const outgoing = connect(target.port, target.address);
      for (const [one, other] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.forwards.set(instanceId, { server, sockets });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(request.port, request.address, resolve);
    });
  }

  private async stopForward(instanceId: string): Promise<void> {
    const forward = this.forwards.get(instanceId);
    if (forward === undefined) return;
    this.forwards.delete(instanceId);
    for (const socket of forward.sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      forward.server.close(() => {
        resolve();
      });
    });
  }
}
