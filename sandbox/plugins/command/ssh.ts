import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientChannel, type ConnectConfig, utils } from "ssh2";
import { z } from "zod";
import { formatProblem } from "../../../components/problems";
import type { OperationContext } from "../resource";
import type { OutputCollector } from "./execution";

/** Upstream's connection, without `proxy`. https://www.pulumi.com/registry/packages/command/api-docs/remote/command/ */
export const connectionSchema = z.strictObject({
  host: z.string(),
  /** @default 22 */
  port: z.number().int().default(22),
  /** @default root */
  user: z.string().default("root"),
  password: z.string().optional(),
  /** The text of the key; it stays in memory. */
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  /** @default SSH_AUTH_SOCK, if set */
  agentSocketPath: z.string().optional(),
  /** The host's key in the format of authorized_keys. @default any key is accepted */
  hostKey: z.string().optional(),
  /** How many attempts may fail before the last one; -1 means any number. @default 10 */
  dialErrorLimit: z.number().int().min(-1).default(10),
  /** Seconds for one attempt; 0 means no limit. @default 15 */
  perDialTimeout: z.number().min(0).default(15),
});

export type Connection = z.output<typeof connectionSchema>;

/** Upstream waits 0.1 s after the first failed attempt, then each time half as long again, at most 5 s. */
export function dialDelayMs(failures: number): number {
  return Math.min(5000, 100 * 1.5 ** (failures - 1));
}

/** A check that the host shows the expected key. */
function hostVerifier(hostKey: string): (key: Buffer) => boolean {
  const expected = utils.parseKey(hostKey);
  if (expected instanceof Error) {
    throw new Error(
      formatProblem({
        path: "connection.hostKey",
        what: expected.message,
        expected: "a line as in authorized_keys, such as ssh-ed25519 AAAA…",
      }),
    );
  }
  const wanted = expected.getPublicSSH();
  return (key) => key.equals(wanted);
}

function configOf(connection: Connection): ConnectConfig {
  const agent = connection.agentSocketPath ?? process.env["SSH_AUTH_SOCK"];
  const { password, privateKey, privateKeyPassword, hostKey } = connection;
  return {
    host: connection.host,
    port: connection.port,
    username: connection.user,
    readyTimeout: connection.perDialTimeout * 1000,
    ...(privateKey !== undefined && { privateKey }),
    ...(privateKeyPassword !== undefined && { passphrase: privateKeyPassword }),
    ...(password !== undefined && { password, tryKeyboard: true }),
    ...(agent !== undefined && { agent }),
    ...(hostKey !== undefined && { hostVerifier: hostVerifier(hostKey) }),
  };
}

/** One attempt; the client is closed unless it is returned. */
async function dialOnce(connection: Connection, signal: AbortSignal): Promise<Client> {
  const client = new Client();
  // Servers may ask for the password as a question instead of by the password method.
  client.on("keyboard-interactive", (_name, _instructions, _language, prompts, answer) => {
    answer(prompts.map(() => connection.password ?? ""));
  });
  try {
    const ready = once(client, "ready", { signal });
    client.connect(configOf(connection));
    // The protocol's short messages would each wait for the previous one's acknowledgement: 0.2 s a command.
    client.setNoDelay(true);
    await ready;
    client.on("error", () => undefined);
    return client;
  } catch (error) {
    client.on("error", () => undefined).destroy();
    throw error;
  }
}

/**
 * Connects, and tries again as long as the connection allows. The host may be booting still.
 *
 * @throws after the last attempt, with the reason of that attempt
 */
export async function dial(connection: Connection, { signal, log }: OperationContext): Promise<Client> {
  const limit = connection.dialErrorLimit;
  for (let failures = 1; ; failures++) {
    try {
      return await dialOnce(connection, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (signal.aborted || (limit >= 0 && failures > limit)) {
        throw new Error(
          formatProblem({
            path: `${connection.user}@${connection.host}:${connection.port}`,
            what: `cannot connect by SSH: ${reason}`,
            fix: `Gave up after ${failures} attempts; check the host's address, its firewall and the key`,
          }),
          { cause: error },
        );
      }
      log(`Dial ${failures}/${limit < 0 ? "inf" : limit} failed: retrying`);
      await sleep(dialDelayMs(failures), undefined, { signal });
    }
  }
}

const open = (
  client: Client,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<ClientChannel> =>
  new Promise((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => {
      if (error) reject(error);
      else resolve(channel);
    });
  });

/** What to run, and with what. */
export interface RemoteRun {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
}

/** Runs one command over an open connection. Returns why it failed, or nothing if it didn't. */
export async function execute(
  client: Client,
  { command, env, stdin }: RemoteRun,
  collector: OutputCollector,
  signal: AbortSignal,
): Promise<string | undefined> {
  const channel = await open(client, command, env);
  const abort = (): void => {
    client.destroy();
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    channel.setEncoding("utf8").on("data", (text: string) => {
      collector.add("stdout", text);
    });
    channel.stderr.setEncoding("utf8").on("data", (text: string) => {
      collector.add("stderr", text);
    });
    // Not the "exit" event: it may have passed before anyone could listen.
    const closed = once(channel, "close") as Promise<[code?: number | null, endedBy?: string]>;
    channel.end(stdin ?? "");
    const [code, endedBy] = await closed;
    if (code === 0) return undefined;
    if (code === undefined) return "wait: remote command exited without exit status or exit signal";
    return code === null
      ? `Process exited from signal ${endedBy ?? ""}`
      : `Process exited with status ${code}`;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
