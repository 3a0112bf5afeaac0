/** The SSH server of one instance: OpenSSH's protocol, logins by public key, commands on the instance's disk. */
import { timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { type AuthContext, type Connection, Server, type ServerChannel, type Session, utils } from "ssh2";
import type { ChildProcessWithoutNullStreams } from "node:child_process";

/** The only user of Lambda's images. */
const USER = "ubuntu";
/** What Ubuntu's sshd lets a client set. */
const ACCEPTED_ENV = /^(LANG|LC_.*)$/;

/** How one instance is logged into. */
export interface SshServerOptions {
  readonly address: string;
  readonly port: number;
  /** Kept here, so that the instance is recognised after a restart; made if missing. */
  readonly hostKeyFile: string;
  /** In OpenSSH's one-line form. */
  readonly publicKeys: readonly string[];
  /** Runs a command, or a shell if there is none. */
  readonly run: (
    command: string | undefined,
    env: Readonly<Record<string, string>>,
  ) => ChildProcessWithoutNullStreams;
}

/** Makes the instance's host key, unless it has one. Not ed25519: one in 256 that ssh2 makes cannot be parsed again. */
function hostKey(file: string): string {
  if (!existsSync(file)) {
    writeFileSync(file, utils.generateKeyPairSync("ecdsa", { bits: 256 }).private, { mode: 0o600 });
  }
  return readFileSync(file, "utf8");
}

/** Listens for one instance. */
export class SshServer {
  private readonly connections = new Set<Connection>();
  private readonly children = new Set<ChildProcessWithoutNullStreams>();
  private readonly server: Server;

  constructor(private readonly options: SshServerOptions) {
    this.server = new Server({ hostKeys: [hostKey(options.hostKeyFile)] }, (connection) => {
      this.serve(connection);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(this.options.port, this.options.address, () => {
        this.server.removeListener("error", reject);
        resolve();
      });
    });
  }

  /** Ends all sessions and what they run. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    const ended = [...this.children].map((child) => new Promise((resolve) => child.once("close", resolve)));
    for (const child of this.children) signalAll(child, "SIGKILL");
    for (const connection of this.connections) connection.end();
    await Promise.all([closed, ...ended]);
  }

  private serve(connection: Connection): void {
    this.connections.add(connection);
    // Answers are short: waiting to fill a packet costs a command a third of a second. ssh2's types lack the method.
    (connection as Connection & { setNoDelay(noDelay: boolean): void }).setNoDelay(true);
    connection.on("close", () => this.connections.delete(connection));
    // A client that goes away mid-way is no concern of the server.
    connection.on("error", () => undefined);
    connection.on("authentication", (context) => {
      if (isAllowed(context, this.options.publicKeys)) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("session", (accept) => {
      this.open(accept());
    });
    connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
      // The instance's own loopback is its address here.
      const host = destIP === "localhost" || destIP === "127.0.0.1" ? this.options.address : destIP;
      const target = connect(destPort, host, () => {
        const channel = accept();
        channel.on("error", () => target.destroy());
        target.pipe(channel).pipe(target);
      });
      target.on("error", () => {
        reject();
      });
    });
  }

  private open(session: Session): void {
    const env: Record<string, string> = {};
    let child: ChildProcessWithoutNullStreams | undefined;
    session.on("env", (accept, reject, { key, val }) => {
      const refused = !ACCEPTED_ENV.test(key);
      if (!refused) env[key] = val;
      // A client that wants no answer gets none; ssh2 then passes no function, whatever its types say.
      const answer = (refused ? reject : accept) as (() => void) | undefined;
      answer?.();
    });
    session.on("pty", (accept) => {
      (accept as (() => void) | undefined)?.();
    });
    session.on("signal", (accept, _, { name }) => {
      if (child !== undefined) signalAll(child, `SIG${name}` as NodeJS.Signals);
      (accept as (() => void) | undefined)?.();
    });
    session.on("exec", (accept, _, { command }) => {
      child = this.start(accept(), command, env);
    });
    session.on("shell", (accept) => {
      child = this.start(accept(), undefined, env);
    });
  }

  private start(
    channel: ServerChannel,
    command: string | undefined,
    env: Readonly<Record<string, string>>,
  ): ChildProcessWithoutNullStreams {
    const child = this.options.run(command, env);
    this.children.add(child);
    channel.pipe(child.stdin);
    // A command needn't read its input.
    child.stdin.on("error", () => undefined);
    channel.on("error", () => undefined);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on("error", (error) => {
      channel.stderr.write(`${error.message}\n`);
    });
    child.on("close", (code, signal) => {
      this.children.delete(child);
      if (signal !== null) channel.exit(signal.slice("SIG".length), false, "");
      else channel.exit(code ?? 255);
      channel.end();
    });
    channel.on("close", () => {
      signalAll(child, "SIGKILL");
    });
    return child;
  }
}

/** Whether a login attempt is by the right user with one of the keys. */
function isAllowed(context: AuthContext, publicKeys: readonly string[]): boolean {
  if (context.username !== USER || context.method !== "publickey") return false;
  for (const line of publicKeys) {
    const allowed = utils.parseKey(line);
    if (allowed instanceof Error) continue;
    const wanted = allowed.getPublicSSH();
    const offered = context.key.data;
    if (wanted.length !== offered.length || !timingSafeEqual(wanted, offered)) continue;
    // Without a signature the client only asks whether this key would do.
    if (context.signature === undefined || context.blob === undefined) return true;
    // An Error, despite the declared type, if the signature can't be read.
    const verdict: unknown = allowed.verify(context.blob, context.signature, context.hashAlgo);
    return verdict === true;
  }
  return false;
}

function signalAll(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended this very moment.
  }
}
