/** Answers the requests of the instances' shims over a loopback socket; each instance proves itself by a token. */
import { createServer, type Server, type Socket } from "node:net";

/** What a program says. */
export interface Reply {
  readonly code: number;
  /** @default "" */
  readonly stdout?: string;
  /** @default "" */
  readonly stderr?: string;
}

/** Answers one call of a program on one instance. */
export type RequestHandler = (program: string, args: readonly string[]) => Promise<Reply> | Reply;

const LONGEST_REQUEST = 256 * 1024;

/** Reads `token NUL count NUL program NUL argument NUL …`; undefined while it isn't complete. */
export function parseRequest(text: string): { token: string; program: string; args: string[] } | undefined {
  const [token, count, program, ...rest] = text.split("\0");
  if (token === undefined || count === undefined || program === undefined) return undefined;
  // The text after the last NUL is no argument.
  return rest.length > Number(count) ? { token, program, args: rest.slice(0, Number(count)) } : undefined;
}

/** Renders a reply in the lines the shims read. */
export function renderReply({ code, stdout = "", stderr = "" }: Reply): string {
  const tag = (mark: string, text: string): string =>
    text === "" ? "" : text.replace(/\n$/, "").replace(/^/gm, mark) + "\n";
  return `${tag("E", stderr)}${tag("O", stdout)}X${code}\n`;
}

/** One socket for all instances. */
export class RequestServer {
  private readonly handlers = new Map<string, RequestHandler>();
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.receive(socket);
  });

  /** The port instances connect to on 127.0.0.1; 0 before {@link listen}. */
  get port(): number {
    const bound = this.server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  /** From now on requests with this token are answered by this handler. */
  register(token: string, handler: RequestHandler): void {
    this.handlers.set(token, handler);
  }

  unregister(token: string): void {
    this.handlers.delete(token);
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private receive(socket: Socket): void {
    let text = "";
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      const request = parseRequest(text);
      if (request !== undefined) void this.answer(socket, request);
      else if (text.length > LONGEST_REQUEST) socket.destroy();
    });
  }

  private async answer(
    socket: Socket,
    request: { token: string; program: string; args: string[] },
  ): Promise<void> {
    const handler = this.handlers.get(request.token);
    if (handler === undefined) {
      socket.end(renderReply({ code: 1, stderr: `${request.program}: unknown instance` }));
      return;
    }
    try {
      socket.end(renderReply(await handler(request.program, request.args)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      socket.end(renderReply({ code: 1, stderr: `${request.program}: ${reason}` }));
    }
  }
}
