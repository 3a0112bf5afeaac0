import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { utils as ssh } from "ssh2";
import { z } from "zod";
import type { Problem } from "../components/problems";
import { writePrivate } from "./files";

const settingsSchema = z.object({
  /** The key that the simulated API accepts. */
  apiKey: z.string(),
  /** Guards the simulator's admin interface and page. */
  adminToken: z.string(),
  /** Encrypts the secrets in the stack's state. */
  passphrase: z.string(),
  sshPrivateKey: z.string(),
  sshPublicKey: z.string(),
  /** First three bytes of the instances' addresses, inside 127.0.0.0/8. */
  addressPrefix: z.string(),
  /** Ports, picked free once and kept, so that addresses in the stack's state stay true. */
  ports: z.object({ lambda: z.int(), downloads: z.int(), ssh: z.int(), kubernetes: z.int() }),
  /** Seconds that pass in the simulated cloud in one real second. */
  timeScale: z.number().positive(),
});

/** What makes one sandbox different from another; made once, kept in a file that only its owner reads. */
export type SandboxSettings = z.infer<typeof settingsSchema>;

export const DEFAULT_TIME_SCALE = 20;

/** Listens for a moment. @returns The port, which 0 leaves to the system; undefined when it is taken */
function probe(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(undefined);
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => {
        resolve(bound);
      });
    });
  });
}

/** The preferred port if it is free on the address, else one that is; nothing keeps it free, so use it at once. */
export async function freePort(host = "127.0.0.1", preferred = 0): Promise<number> {
  const port = (await probe(host, preferred)) ?? (await probe(host, 0));
  if (port === undefined)
    throw new Error(`${host}: there is no free port. Check that the address is this machine's.`);
  return port;
}

/** Instances of different sandboxes on one machine must not share addresses: 127.<a>.<b>.0/24 by the sandbox's folder. */
function addressPrefixOf(dir: string): string {
  const [a = 0, b = 0] = createHash("sha256").update(dir).digest();
  return `127.${64 + (a % 128)}.${b}`;
}

async function makeSettings(dir: string): Promise<SandboxSettings> {
  const addressPrefix = addressPrefixOf(dir);
  const node = `${addressPrefix}.2`;
  // Not ed25519: one in 256 of those that ssh2 makes cannot be parsed again.
  const key = ssh.generateKeyPairSync("ecdsa", { bits: 256, comment: "sophia-sandbox" });
  return {
    apiKey: `secret_sandbox_${randomBytes(16).toString("hex")}`,
    adminToken: randomBytes(16).toString("hex"),
    passphrase: randomBytes(24).toString("hex"),
    sshPrivateKey: key.private,
    sshPublicKey: key.public,
    addressPrefix,
    ports: {
      lambda: await freePort("127.0.0.1"),
      downloads: await freePort("127.0.0.1"),
      ssh: await freePort(node, 2222),
      kubernetes: await freePort(node, 6443),
    },
    timeScale: Number(process.env.SOPHIA_TIME_SCALE ?? DEFAULT_TIME_SCALE),
  };
}

/** The settings of the sandbox in a folder; makes them the first time. */
export async function sandboxSettings(dir: string): Promise<SandboxSettings> {
  const file = path.join(dir, "settings.json");
  if (existsSync(file)) return settingsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const settings = await makeSettings(dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writePrivate(file, JSON.stringify(settings, null, 2));
  return settings;
}

/** Ports of a sandbox that is not running which somebody else has taken since they were picked. */
export async function portProblems({ ports, addressPrefix }: SandboxSettings): Promise<Problem[]> {
  const addresses = {
    lambda: "127.0.0.1",
    downloads: "127.0.0.1",
    ssh: `${addressPrefix}.2`,
    kubernetes: `${addressPrefix}.2`,
  };
  const problems = await Promise.all(
    Object.entries(addresses).map(async ([name, address]): Promise<Problem[]> => {
      const port = ports[name as keyof typeof addresses];
      if ((await probe(address, port)) !== undefined) return [];
      const fix = "Stop that process, or begin anew on other ports: make down && make up";
      return [
        {
          path: `${address}:${port}`,
          what: `is the sandbox's ${name} port and in use by another process`,
          fix,
        },
      ];
    }),
  );
  return problems.flat();
}
