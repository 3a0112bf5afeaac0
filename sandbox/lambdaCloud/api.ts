import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiFailure, inactive, refusals, tooManyRequests, unauthorized } from "./apiFailure";
import type { Cloud } from "./cloud";
import { takeFault, type Fault } from "./faults";
import { readBody, send, sendJson } from "./http";
import { LAUNCH_LIMIT, REQUEST_LIMIT, TokenBucket } from "./rateLimit";
import { findRoute, normalId, routeName, routesOf } from "./routes";
import { parseBody } from "./routes/route";

/** What an {@link Api} is made of. */
export interface ApiOptions {
  readonly cloud: Cloud;
  /** The key that is accepted. */
  readonly apiKey: string;
  /** Called after each request that changed something, before it is answered. */
  readonly changed: () => void;
  /** Resolves after so many virtual seconds; never, when the server is stopped before. */
  readonly wait: (seconds: number) => Promise<void>;
  /** Told of every request, in one line without anything secret. */
  readonly log: (line: string) => void;
}

/** How a request ended: the status and the body that it would get if nothing were to go wrong with the answer. */
interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

/** The API over HTTP: limits, keys, faults, errors. What the requests do is in routes/. */
export class Api {
  readonly #options: ApiOptions;
  readonly #requests: TokenBucket;
  readonly #launches: TokenBucket;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#requests = new TokenBucket(options.cloud.clock, REQUEST_LIMIT);
    this.#launches = new TokenBucket(options.cloud.clock, LAUNCH_LIMIT);
  }

  /** Answers a request. @param path Below the base URL */
  async handle(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    const { cloud, log, changed, wait } = this.#options;
    const method = request.method ?? "";
    const found = routesOf(path).find(({ route }) => route.method === method);
    const name = found === undefined ? `${method} ${path}` : routeName(found.route);
    const fault = takeFault(cloud.state.faults, name);
    const report = (result: string | number): void => {
      log(`${name} ${result}${fault === undefined ? "" : ` (fault: ${fault.kind})`}`);
    };
    if (fault?.kind === "drop") {
      changed();
      report("dropped");
      request.socket.destroy();
      return;
    }
    const text = await readBody(request);
    if (fault?.kind === "delay") await wait(fault.seconds);
    if (isStoppedAtFront(request)) {
      report(403);
      send(response, 403, "text/plain", "error code: 1010");
      return;
    }
    const outcome = this.#outcome(request, path, text, fault);
    if (method !== "GET" || fault !== undefined) changed();
    report(outcome.status);
    reply(request, response, fault, outcome);
  }

  #outcome(request: IncomingMessage, path: string, text: string, fault: Fault | undefined): Outcome {
    try {
      return { status: 200, body: { data: this.#perform(request, path, text, fault) } };
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      return { status: error.status, body: error.body() };
    }
  }

  /** The order of checks is the API's: limits, key, account, path, existence, body, state. */
  #perform(request: IncomingMessage, path: string, text: string, fault: Fault | undefined): unknown {
    const { cloud, apiKey } = this.#options;
    if (fault?.kind === "rate-limit" || !this.#withinLimits(path)) throw tooManyRequests();
    const key = keyOf(request);
    if (key !== apiKey) throw unauthorized(key !== undefined);
    if (!cloud.state.accountActive) throw inactive();
    if (fault !== undefined && fault.kind in refusals) throw refusals[fault.kind as keyof typeof refusals]();
    const found = findRoute(request.method ?? "", path);
    const id = normalId(found);
    return found.route.handle({ cloud, id, fault, body: (schema) => parseBody(schema, text) });
  }

  #withinLimits(path: string): boolean {
    return this.#requests.take() && (path !== "/instance-operations/launch" || this.#launches.take());
  }
}

/** The API's front turns away requests that look like a script's, before the API sees them. */
function isStoppedAtFront({ headers }: IncomingMessage): boolean {
  const agent = headers["user-agent"] ?? "";
  return agent === "" || agent.startsWith("Python-urllib");
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  { status, body }: Outcome,
): void {
  const html = `<html><body><h1>${fault?.kind === "commit-error" ? fault.status : ""}</h1></body></html>`;
  if (fault?.kind === "commit-drop") request.socket.destroy();
  else if (fault?.kind === "commit-error") send(response, fault.status, "text/html", html);
  else if (fault?.kind === "commit-garbage") send(response, 200, "application/json", '{"data": {"inst');
  else if (fault?.kind === "empty-ids") sendJson(response, 200, { data: { instance_ids: [] } });
  else if (fault?.kind === "rate-limit") {
    const { text, retryAfterSeconds: seconds } = fault;
    const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
    if (text) send(response, status, "text/plain", "error code: 1015", headers);
    else send(response, status, "application/json", JSON.stringify(body), headers);
  } else sendJson(response, status, body);
}

/** The key of `Authorization: Bearer <key>` or `Basic base64(<key>:)`; undefined when there is none. */
function keyOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
  if (scheme === "Bearer") return value;
  return scheme === "Basic" ? Buffer.from(value, "base64").toString().replace(/:$/, "") : undefined;
}
