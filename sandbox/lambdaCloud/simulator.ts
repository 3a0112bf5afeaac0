import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { handleAdmin } from "./admin";
import { ApiFailure, inactive, internalError, notFound, unauthorized, unavailable } from "./apiFailure";
import { instanceTypes } from "./catalogue";
import { ScaledClock, type VirtualClock } from "./clock";
import { Cloud } from "./cloud";
import { takeFault, type Fault } from "./faults";
import { ipAt, statusAt } from "./instanceLife";
import { renderPage } from "./page";
import { TokenBucket } from "./rateLimit";
import { checkId, findRoute } from "./routes";
import { loadState, saveState, type InstanceRecord } from "./state";

const BASE = "/api/v1";

/** How often instances are looked at for changes that others should hear of, milliseconds of real time. */
const TICK_MS = 50;

const MAX_BODY_BYTES = 2_000_000;

/** An instance as those who play its machine need it. */
export interface InstanceSnapshot {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly ip: string | undefined;
  readonly instanceType: string;
  readonly gpus: number;
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly storageGib: number;
  readonly architecture: "amd64" | "arm64";
  readonly gpuDescription: string;
  readonly sshPublicKeys: readonly string[];
  readonly userData: string | undefined;
  readonly hostname: string;
  readonly region: string;
}

export interface SimulatorOptions {
  /** JSON, written after each change; a restart goes on from it. */
  readonly stateFile: string;
  /** On 127.0.0.1. @default 0: a free one */
  readonly port?: number;
  readonly apiKey: string;
  readonly adminToken: string;
  /** Virtual seconds in a real one. */
  readonly timeScale: number;
  /** @default - 198.51.100.2 and up */
  readonly addressPool?: readonly string[];
  /** @default - scaled real time */
  readonly clock?: VirtualClock;
}

/** Lambda Cloud's API over HTTP on this machine, with a virtual clock, faults by schedule, and a page to look at. */
export class LambdaSimulator extends EventEmitter<{ instance: [InstanceSnapshot] }> {
  readonly cloud: Cloud;
  readonly #options: SimulatorOptions;
  readonly #limits: { readonly all: TokenBucket; readonly launch: TokenBucket };
  readonly #seen = new Map<string, string>();
  readonly #server: Server;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: SimulatorOptions) {
    super();
    this.#options = options;
    const state = loadState(options.stateFile);
    const clock = options.clock ?? new ScaledClock(options.timeScale, state.origin);
    const addressPool = options.addressPool ?? Array.from({ length: 250 }, (_, i) => `198.51.100.${i + 2}`);
    this.cloud = new Cloud({
      state,
      clock,
      addressPool,
      audit: (event) => {
        this.#audit(event);
      },
    });
    this.#limits = {
      // A few at once are let through, as the API does; more than that is what the limit is about.
      all: new TokenBucket(clock, 5, 1),
      launch: new TokenBucket(clock, 1, 11),
    };
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  /** @returns The base URL for clients */
  async start(): Promise<{ url: string }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port ?? 0, "127.0.0.1", resolve);
    });
    this.tick();
    this.#ticker = setInterval(() => {
      this.tick();
    }, TICK_MS);
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return { url: `http://127.0.0.1:${port}${BASE}` };
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.save();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What the machines' players need to know, now. */
  instances(): InstanceSnapshot[] {
    return this.cloud.state.instances.map((record) => this.#snapshot(record));
  }

  save(): void {
    saveState(this.#options.stateFile, this.cloud.state);
  }

  /** Tells listeners of every instance that has changed, and forgets the ones that are gone. */
  tick(): void {
    for (const record of [...this.cloud.state.instances]) {
      const snapshot = this.#snapshot(record);
      const seen = `${snapshot.status} ${snapshot.ip ?? ""}`;
      if (this.#seen.get(record.id) !== seen) {
        this.#seen.set(record.id, seen);
        this.#audit({ event: "status", id: record.id, status: snapshot.status });
        this.emit("instance", snapshot);
      }
      if (statusAt(record, this.cloud.now()) === undefined) {
        this.#seen.delete(record.id);
        this.cloud.state.instances.splice(this.cloud.state.instances.indexOf(record), 1);
        this.save();
      }
    }
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
      architecture: record.type.includes("gh200") ? "arm64" : "amd64",
      gpuDescription: type?.gpu_description ?? "N/A",
      sshPublicKeys: record.sshPublicKeys,
      userData: record.userData,
      hostname: record.hostname,
      region: record.region,
    };
  }

  #audit(event: Record<string, unknown>): void {
    const line = JSON.stringify({
      at: new Date().toISOString(),
      virtualSeconds: Math.round(this.cloud.now() / 1000),
      ...event,
    });
    appendFileSync(this.auditFile, `${line}\n`, { mode: 0o600 });
  }

  /** One JSON object a line: launches, terminations, changes of status. */
  get auditFile(): string {
    return `${this.#options.stateFile}.audit`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(renderPage());
    } else if (url.pathname.startsWith("/admin/")) {
      handleAdmin(this, this.#options.adminToken, request, response, await readBody(request));
    } else {
      await this.#api(request, url.pathname.slice(BASE.length), response);
    }
  }

  async #api(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    const found = findRoute(request.method ?? "GET", path);
    const routeName = typeof found === "object" ? `${found.route.method} ${found.route.path}` : path;
    const fault = takeFault(this.cloud.state.faults, routeName);
    const body = await readBody(request);
    if (fault?.kind === "delay") await new Promise((resolve) => setTimeout(resolve, fault.seconds * 1000));
    if (fault?.kind === "drop") {
      request.socket.destroy();
      return;
    }
    if (this.#isRateLimited(fault, path, response)) return;
    let status = 200;
    let answer: unknown;
    try {
      answer = { data: this.#answer(request, path, found, body, fault) };
      if ((request.method ?? "GET") !== "GET") this.save();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      status = error.status;
      answer = error.body();
    }
    this.tick();
    reply(request, response, fault, status, answer);
  }

  #isRateLimited(fault: Fault | undefined, path: string, response: ServerResponse): boolean {
    const forced = fault?.kind === "rate-limit";
    const launch = path === "/instance-operations/launch";
    if (!forced && this.#limits.all.take() && (!launch || this.#limits.launch.take())) return false;
    const retryAfter =
      forced && fault.retryAfterSeconds !== undefined
        ? { "retry-after": String(fault.retryAfterSeconds) }
        : {};
    if (forced && fault.text) {
      response.writeHead(429, { "content-type": "text/plain", ...retryAfter }).end("error code: 1015");
    } else {
      const failure = new ApiFailure(429, "global/too-many-requests", "Too many requests.");
      response
        .writeHead(429, { "content-type": "application/json", ...retryAfter })
        .end(JSON.stringify(failure.body()));
    }
    return true;
  }

  /** The order of checks is the API's: key, account, path, existence, body, state. */
  #answer(
    request: IncomingMessage,
    path: string,
    found: ReturnType<typeof findRoute>,
    body: string,
    fault: Fault | undefined,
  ): unknown {
    const key = keyOf(request);
    if (key !== this.#options.apiKey || fault?.kind === "unauthorized") throw unauthorized(key !== undefined);
    if (!this.cloud.state.accountActive || fault?.kind === "inactive") throw inactive();
    if (fault?.kind === "unavailable") throw unavailable();
    if (fault?.kind === "conflict") throw internalError();
    if (fault?.kind === "unknown-error")
      throw new ApiFailure(400, "global/unknown", "An unknown error occurred.");
    if (found === "method") throw new ApiFailure(405, "global/not-found", "Method Not Allowed");
    if (found === undefined) throw notFound();
    checkId(path, found.id);
    return found.route.handle({ cloud: this.cloud, id: found.id, body: parseJson(body), fault });
  }
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  status: number,
  answer: unknown,
): void {
  switch (fault?.kind) {
    case "commit-drop":
      request.socket.destroy();
      return;
    case "commit-error":
      response
        .writeHead(fault.status, { "content-type": "text/html" })
        .end("<html><body><h1>Bad gateway</h1></body></html>");
      return;
    case "commit-garbage":
      response.writeHead(200, { "content-type": "application/json" }).end('{"data": {"inst');
      return;
    case "empty-ids":
      response.writeHead(200, { "content-type": "application/json" }).end('{"data": {"instance_ids": []}}');
      return;
    default:
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }
}

/** The key of `Authorization: Bearer <key>` or `Basic base64(<key>:)`. */
function keyOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
  if (scheme === "Bearer") return value;
  return scheme === "Basic" ? Buffer.from(value, "base64").toString().replace(/:$/, "") : undefined;
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiFailure(400, "global/invalid-parameters", "Invalid request data.");
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) request.destroy();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
