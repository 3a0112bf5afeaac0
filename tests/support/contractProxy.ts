/** Stands between a client and the Lambda Cloud API, and notes what either says against the official document. */
import {
  createServer,
  request as send,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { replyContradictions, requestContradictions } from "./lambdaContract";

export interface ProxiedRequest {
  readonly method: string;
  /** Below the base URL, with its query. */
  readonly path: string;
  /** `undefined` for none; a text when it is not JSON. */
  readonly body: unknown;
}

/** Hands everything on as it is: statuses, headers, bodies, and connections that drop. */
export class ContractProxy {
  /** In order; empty as long as both sides keep to the document. */
  readonly contradictions: string[] = [];
  readonly requests: ProxiedRequest[] = [];
  #server: Server | undefined;

  /** @returns Its base URL, which ends as that of the target does */
  async start(targetBaseUrl: string): Promise<string> {
    const target = new URL(targetBaseUrl);
    const server = createServer((request, response) => {
      this.#serve(target, request, response).catch(() => request.socket.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** @throws Error if either side hangs up */
  async #serve(target: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const base = `${target.pathname}/`;
    const path = url.startsWith(base) ? url.slice(base.length - 1) : url;
    const sent = await buffer(request);
    const text = sent.toString();
    const body = text === "" ? undefined : (parseJson(text) ?? text);
    this.requests.push({ method, path, body });
    this.contradictions.push(...requestContradictions(method, path, body));

    const answer = await forward(new URL(url, target), request, sent, response);
    const reply = await buffer(answer);
    const { statusCode: status = 0 } = answer;
    const json = parseJson(reply.toString());
    if (json !== undefined) this.contradictions.push(...replyContradictions(method, path, status, json));
    response.writeHead(status, answer.rawHeaders).end(reply);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Over a connection of its own, so that one that drops is that of this request. */
function forward(
  url: URL,
  { method, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method, agent: false, headers: { ...headers, host: url.host, connection: "close" } };
    const outgoing = send(url, options, resolve).on("error", reject);
    response.on("close", () => outgoing.destroy());
    outgoing.end(body);
  });
}
