import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { InstanceSnapshot } from "../hosts/instance";
import { handleAdmin } from "./admin";
import { Api } from "./api";
import { architectureOfType, instanceTypes } from "./catalogue";
import { ScaledClock, type VirtualClock } from "./clock";
import { Cloud, removeFrom, type AuditEvent } from "./cloud";
import { faultRuleSchema, type FaultRuleInput } from "./faults";
import { readBody, send } from "./http";
import { ipAt, isForgotten, nextChange, statusAt } from "./instanceLife";
import { renderPage } from "./page";
import { loadState, saveState, type InstanceRecord } from "./state";

const BASE = "/api/v1";

/** Addresses that are reserved for documentation: https://www.rfc-editor.org/rfc/rfc5737 */
const DOCUMENTATION_ADDRESSES = ["198.51.100", "203.0.113"].flatMap((prefix) =>
  Array.from({ length: 253 }, (_, index) => `${prefix}.${index + 2}`),
);

/** How a simulator is set up. */
export interface SimulatorOptions {
  /** JSON, written after each change; a restart goes on from it, as if it had never been away. */
  readonly stateFile: string;
  /** On 127.0.0.1. @default 0: a free one */
  readonly port?: number;
  /** The key that the API accepts. */
  readonly apiKey: string;
  /** Guards everything below /admin. */
  readonly adminToken: string;
  /** Virtual seconds in a real one. @default 20 */
  readonly timeScale?: number;
  /** Public addresses that instances get. @default - those of 198.51.100.0/24 and 203.0.113.0/24 */
  readonly addressPool?: readonly string[];
  /** Added to those in the state file. @default - none */
  readonly faults?: readonly FaultRuleInput[];
  /** @default - real time, `timeScale` times as fast */
  readonly clock?: VirtualClock;
  /** Told of every request, in one line. @default - nobody is */
  readonly log?: (line: string) => void;
}

/** Lambda Cloud's API over HTTP on this machine, with a virtual clock, faults by schedule, and a page to look at. */
export class LambdaSimulator extends EventEmitter<{ instance: [InstanceSnapshot] }> {
  readonly cloud: Cloud;
  readonly #options: SimulatorOptions;
  readonly #api: Api;
  readonly #server: Server;
  /** What takes back the timers that have not gone off yet. */
  readonly #timers = new Set<() => void>();
  #cancelNextChange: () => void = () => undefined;

  constructor(options: SimulatorOptions) {
    super();
    this.#options = options;
    const state = loadState(options.stateFile);
    state.faults.push(...(options.faults ?? []).map((rule) => faultRuleSchema.parse(rule)));
    this.cloud = new Cloud({
      state,
      clock: options.clock ?? new ScaledClock(options.timeScale ?? 20, state.origin),
      addressPool: options.addressPool ?? DOCUMENTATION_ADDRESSES,
      audit: (event) => {
        this.#audit(event);
      },
    });
    this.#api = new Api({
      cloud: this.cloud,
      apiKey: options.apiKey,
      changed: () => {
        this.settle();
      },
      wait: (seconds) => this.#wait(seconds),
      log: options.log ?? (() => undefined),
    });
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A client that hangs up is no news; a mistake of ours must not go unseen.
        if (response.headersSent || response.destroyed) response.destroy();
        else send(response, 500, "text/plain", String(error));
      });
    });
  }

  /**
   * Starts to answer, and tells of what changed meanwhile.
   *
   * @returns The base URL for clients
   * @throws Error if the port is taken
   */
  async start(): Promise<{ url: string }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port ?? 0, "127.0.0.1", resolve);
    });
    this.settle();
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return { url: `http://127.0.0.1:${port}${BASE}` };
  }

  /** Hangs up on everyone. Time goes on for the instances in the state file. */
  async stop(): Promise<void> {
    this.#cancelNextChange();
    for (const cancel of this.#timers) cancel();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    this.#save();
  }

  /** What the machines' players need to know, now. */
  instances(): InstanceSnapshot[] {
    return this.cloud.state.instances.map((record) => this.#snapshot(record));
  }

  /** Tells listeners of every instance that has changed, keeps the state, and waits for the next change. */
  settle(): void {
    const { state, clock } = this.cloud;
    for (const record of [...state.instances]) {
      this.#tell(record);
      if (isForgotten(record, clock.now())) removeFrom(state.instances, record);
    }
    this.#save();
    this.#cancelNextChange();
    const next = Math.min(...state.instances.map((record) => nextChange(record, clock.now())));
    if (!Number.isFinite(next)) return;
    this.#cancelNextChange = clock.at(next, () => {
      this.settle();
    });
  }

  /** One JSON object a line: launches, changes of status, terminations with what they cost. Only ever added to. */
  get auditFile(): string {
    return `${this.#options.stateFile}.audit`;
  }

  #tell(record: InstanceRecord): void {
    const snapshot = this.#snapshot(record);
    const { id, name, status, ip } = snapshot;
    const reported = `${status} ${ip ?? ""}`;
    if (record.reported === reported) return;
    record.reported = reported;
    this.#audit({ event: "status", id, name, status, ip, ...this.cloud.bill(record) });
    this.emit("instance", snapshot);
  }

  #snapshot(record: InstanceRecord): InstanceSnapshot {
    const now = this.cloud.now();
    const type = instanceTypes[record.type];
    return {
      id: record.id,
      name: record.name ?? record.id,
      status: statusAt(record, now) ?? "terminated",
      ip: ipAt(record, now),
      instanceType: record.type,
      gpus: type?.specs.gpus ?? 0,
      vcpus: type?.specs.vcpus ?? 0,
      memoryGib: type?.specs.memory_gib ?? 0,
      storageGib: type?.specs.storage_gib ?? 0,
      architecture: architectureOfType(record.type) === "arm64" ? "arm64" : "amd64",
      gpuDescription: type?.gpu_description ?? "N/A",
      sshPublicKeys: record.sshPublicKeys,
      userData: record.userData,
      hostname: record.hostname,
      region: record.region,
    };
  }

  #save(): void {
    this.cloud.state.origin = { real: Date.now(), virtual: this.cloud.now() };
    saveState(this.#options.stateFile, this.cloud.state);
  }

  #audit(event: AuditEvent): void {
    const virtualSeconds = Math.floor(this.cloud.now() / 1000);
    const line = JSON.stringify({ at: new Date().toISOString(), virtualSeconds, ...event });
    appendFileSync(this.auditFile, `${line}\n`, { mode: 0o600 });
  }

  #wait(seconds: number): Promise<void> {
    const { clock } = this.cloud;
    return new Promise((resolve) => {
      const cancel = clock.at(clock.now() + seconds * 1000, () => {
        this.#timers.delete(cancel);
        resolve();
      });
      this.#timers.add(cancel);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.startsWith(`${BASE}/`)) {
      await this.#api.handle(request, pathname.slice(BASE.length), response);
    } else if (pathname.startsWith("/admin/")) {
      handleAdmin(this, this.#options.adminToken, request, response, await readBody(request));
    } else if (pathname === "/") {
      send(response, 200, "text/html; charset=utf-8", renderPage());
    } else {
      send(response, 404, "text/plain", "not found\n");
    }
  }
}
