import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, copyFileSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { formatProblem } from "../../components/problems";
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
  const child = spawn("go", args, { cwd: path.join(goDir, module), env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return stdout;
  try {
    appendFileSync(logFile, output);
  } catch {
    // A full disk cannot take the log either; its last lines are in the message.
  }
  throw new Error(describeFailure({ module, args, code, output, logFile }));
}

/** What the user can do about a failed build, where its output tells. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /no space left on device/,
    "The disk is full: free some space, or name another place in SOPHIA_CACHE_DIR and GOCACHE",
  ],
  [
    /dial tcp|no such host|i\/o timeout|connection refused|TLS handshake/,
    "The Go module proxy cannot be reached: check the network and GOPROXY",
  ],
  [/SECURITY ERROR|checksum mismatch/, "What was downloaded is not what go.sum pins: do not use it"],
];

function describeFailure({
  module,
  args,
  code,
  output,
  logFile,
}: {
  module: string;
  args: readonly string[];
  code: number | null;
  output: string;
  logFile: string;
}): string {
  const fix = REMEDIES.find(([pattern]) => pattern.test(output))?.[1] ?? `The whole output is in ${logFile}`;
  const lines = output.trimEnd().split("\n").slice(-15).join("\n");
  const what = `go ${args[0] ?? ""} failed with exit code ${code ?? "unknown"}`;
  return `${formatProblem({ path: `sandbox/toolchain/go/${module}`, what, fix })}\n${lines}`;
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
  copyFileSync(path.join(source, "cmd/pulumi-resource-kubernetes/schema.json"), target);
  chmodSync(target, 0o644); // the module cache is read-only, and so would be the copy that the next build replaces
}
