import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, createWriteStream, existsSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { repoRoot } from "../paths";

/** Where the Go modules of the toolchain are. */
export const goDir = path.join(repoRoot, "sandbox", "toolchain", "go");

/** Go's environment for reproducible builds: the go.sum files decide, nothing on the machine does. */
export function goEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...env,
    CGO_ENABLED: "0",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
    // One module of the Kubernetes provider is not in the checksum database; its hash stands in go.sum.
    GONOSUMDB: "github.com/pulumi/*",
  };
}

/** A digest over everything in a module's folder that is committed, and over how it is built. */
export function moduleKey(module: string, ...how: readonly string[]): string {
  const dir = path.join(goDir, module);
  const hash = createHash("sha256").update([...how, process.platform, process.arch].join("\0"));
  for (const file of readdirSync(dir)
    .filter((name) => name !== "schema.json")
    .sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(dir, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * Runs go in a module's folder; its output goes to a log file.
 *
 * @returns What it printed on standard output
 * @throws Error with the last lines of the output and the path of the log
 */
export async function go(
  module: string,
  args: readonly string[],
  logFile: string,
  env = goEnv(),
): Promise<string> {
  const log = createWriteStream(logFile, { flags: "a" });
  const child = spawn("go", args, { cwd: path.join(goDir, module), env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let tail = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log.write(chunk);
      tail = (tail + chunk.toString()).slice(-4000);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  log.end();
  if (code === 0) return stdout;
  const lines = tail.trimEnd().split("\n").slice(-15).join("\n");
  const disk = lines.includes("no space left on device")
    ? " The disk is full: free some space, then run it again."
    : "";
  throw new Error(
    `go ${args.join(" ")}: failed in sandbox/toolchain/go/${module} (exit code ${code}).${disk}\n${lines}\nThe whole output is in ${logFile}`,
  );
}

/** Where the module cache keeps a module of the given folder's go.mod. */
export async function moduleDir(module: string, dependency: string, logFile: string): Promise<string> {
  const answer = JSON.parse(await go(module, ["mod", "download", "-json", dependency], logFile)) as {
    Dir: string;
  };
  return answer.Dir;
}

/**
 * The Kubernetes provider embeds its schema, which the module carries but does not export: it is copied beside our
 * main package, where go:embed finds it.
 */
export async function copyProviderSchema(logFile: string): Promise<void> {
  const module = "kubernetes-provider";
  const target = path.join(goDir, module, "schema.json");
  const source = await moduleDir(module, "github.com/pulumi/pulumi-kubernetes/provider/v4", logFile);
  if (!existsSync(target))
    copyFileSync(path.join(source, "cmd/pulumi-resource-kubernetes/schema.json"), target);
}
