/** The little of the Kubernetes API that the sandbox itself calls. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { Identity } from "./certificates";

const TIMEOUT_MS = 10_000;

/** A reply that wasn't 2xx. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Talks to one API server with a client certificate. Close it when done: it keeps connections open. */
export class ApiClient {
  private readonly agent: Agent;

  /** @param ca - trusted authority; @param user - who is asking */
  constructor(
    private readonly address: string,
    private readonly port: number,
    ca: Identity,
    user: Identity,
  ) {
    this.agent = new Agent({
      keepAlive: true,
      ca: readFileSync(ca.certFile),
      cert: readFileSync(user.certFile),
      key: readFileSync(user.keyFile),
    });
  }

  /** Reads an object or a list. @throws ApiError with status 404 if there is none */
  get(path: string): Promise<unknown> {
    return this.send("GET", path);
  }

  /** Creates an object. @throws ApiError with status 409 if it exists */
  create(path: string, body: object): Promise<unknown> {
    return this.send("POST", path, body, "application/json");
  }

  /** Creates or changes an object, owning just the fields given (server-side apply, conflicts forced). */
  apply(path: string, body: object): Promise<unknown> {
    const query = "?fieldManager=k3s&force=true";
    return this.send("PATCH", `${path}${query}`, body, "application/apply-patch+yaml");
  }

  /** Deletes an object; one that is gone already is no error. */
  async delete(path: string): Promise<void> {
    try {
      await this.send("DELETE", path);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, body?: object, type?: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const call = request(
        {
          host: this.address,
          port: this.port,
          agent: this.agent,
          method,
          path,
          timeout: TIMEOUT_MS,
          headers: { accept: "application/json", ...(type === undefined ? {} : { "content-type": type }) },
        },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("error", reject);
          reply.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const status = reply.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(text.startsWith("{") ? JSON.parse(text) : text);
            else reject(new ApiError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`));
          });
        },
      );
      call.on("timeout", () =>
        call.destroy(new Error(`${method} ${path}: no reply in ${TIMEOUT_MS / 1000} s`)),
      );
      call.on("error", reject);
      call.end(payload);
    });
  }
}
