import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Connection, Server, type Session, utils } from "ssh2";

/** A host that speaks SSH on loopback and runs what it is told with /bin/sh. */
export interface TestHost {
  readonly port: number;
  /** The private key that is let in as user `root`. */
  readonly privateKey: string;
  /** The host's public key, as in authorized_keys. */
  readonly hostKey: string;
  /** The commands it ran, in order. */
  readonly commands: readonly string[];
  readonly stop: () => Promise<void>;
}

/** The password that is let in. */
export const PASSWORD = "correct-password";

function handleSession(session: Session, acceptEnv: RegExp, commands: string[]): void {
  const env: Record<string, string> = {};
  session.on("env", (accept, reject, { key, val }) => {
    if (acceptEnv.test(key)) env[key] = val;
    // The library has no accept or reject where the client wants no reply.
    const reply = (acceptEnv.test(key) ? accept : reject) as (() => void) | undefined;
    reply?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    commands.push(command);
    const channel = accept();
    if (command === "hang up") {
      channel.close();
      return;
    }
    const child = spawn("/bin/sh", ["-c", command], { env: { PATH: process.env["PATH"], ...env } });
    channel.pipe(child.stdin);
    child.stdin.on("error", () => undefined);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    channel.on("close", () => child.kill());
    child.on("close", (code, signal) => {
      if (signal === null) channel.exit(code ?? 1);
      else channel.exit(signal.replace("SIG", ""));
      channel.end();
    });
  });
}

/** Starts a host. @param acceptEnv names of variables that it takes, as sshd's AcceptEnv. @default those with APP_ */
export async function startHost(options: { port?: number; acceptEnv?: RegExp } = {}): Promise<TestHost> {
  const { port = 0, acceptEnv = /^APP_/ } = options;
  // Not ed25519: of those that this library makes, one in 256 is malformed.
  const host = utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const user = utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const known = utils.parseKey(user.public);
  if (known instanceof Error) throw known;
  const commands: string[] = [];
  const open = new Set<Connection>();
  const server = new Server({ hostKeys: [host.private] }, (connection) => {
    open.add(connection);
    // There, but not in the types.
    (connection as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
    connection.on("close", () => open.delete(connection)).on("error", () => undefined);
    connection.on("authentication", (attempt) => {
      if (attempt.method === "password" && attempt.password === PASSWORD) attempt.accept();
      else if (attempt.method === "publickey" && attempt.key.data.equals(known.getPublicSSH()))
        attempt.accept();
      else attempt.reject(["publickey", "password"]);
    });
    connection.on("session", (accept) => {
      handleSession(accept(), acceptEnv, commands);
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    for (const connection of open) connection.end();
    const closed = new Promise((resolve) => server.close(resolve));
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    privateKey: user.private,
    hostKey: host.public,
    commands,
    stop,
  };
}
