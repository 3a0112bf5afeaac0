import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import kubernetesSdk from "@pulumi/kubernetes/package.json";
import { ensureChartMirror } from "./toolchain/charts";
import { ensureToolchain } from "./toolchain/toolchain";
import { installProviderBinary, installStandIns } from "./plugins/install";
import { cacheDir, repoRoot } from "./paths";
import { toStderr, type ProgressSink } from "./progress";
import { writePrivate } from "./files";
import type { SandboxSettings } from "./settings";

export const STACK = "local";

/** Everything that is needed to run Pulumi in a sandbox. */
export interface Workspace {
  /** The sandbox's folder. */
  readonly dir: string;
  /** Folder with pulumi, kubectl, helm and the control plane's programs. */
  readonly binDir: string;
  readonly chartDir: string;
  /** Environment of everything that the sandbox starts. */
  readonly env: NodeJS.ProcessEnv;
  /** The stack's completed configuration. */
  readonly configFile: string;
}

/**
 * A search path without a sandbox's own folders, which `make shell` puts there: the tools in them are copies of those of
 * the toolchain and go with the sandbox, so they must not be taken for the machine's.
 */
export function pathWithout(dir: string, searchPath = ""): string {
  const inside = `${path.resolve(dir)}${path.sep}`;
  return searchPath
    .split(path.delimiter)
    .filter((entry) => !path.resolve(entry).startsWith(inside))
    .join(path.delimiter);
}

/** Builds or finds the tools and lays out the folder that Pulumi works in. */
export async function prepareWorkspace(
  dir: string,
  settings: SandboxSettings,
  sink: ProgressSink = toStderr,
): Promise<Workspace> {
  const searchPath = pathWithout(dir, process.env.PATH);
  const { binDir, tools } = await ensureToolchain({ sink, path: searchPath });
  const { dir: chartDir } = await ensureChartMirror({ helm: tools.helm.path, sink });
  const pulumiHome = path.join(dir, "pulumi-home");
  const backend = path.join(dir, "pulumi");
  for (const folder of [pulumiHome, backend]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  writePrivate(path.join(dir, "passphrase"), settings.passphrase);
  const standIns = await installStandIns({
    dir: path.join(dir, "bin"),
    repoRoot,
    node: process.execPath,
    pulumiHome,
    pulumiPath: tools.pulumi.path,
  });
  await installProviderBinary({
    pulumiHome,
    name: "kubernetes",
    version: kubernetesSdk.version,
    path: tools["pulumi-resource-kubernetes"].path,
  });
  return {
    dir,
    binDir,
    chartDir,
    configFile: path.join(dir, `Pulumi.${STACK}.yaml`),
    env: pulumiEnv({
      dir,
      pulumiHome,
      backend,
      searchPath: [standIns, binDir, path.dirname(process.execPath), searchPath],
      settings,
    }),
  };
}

interface EnvParts {
  readonly dir: string;
  readonly pulumiHome: string;
  readonly backend: string;
  readonly searchPath: readonly string[];
  readonly settings: SandboxSettings;
}

function pulumiEnv({ dir, pulumiHome, backend, searchPath, settings }: EnvParts): NodeJS.ProcessEnv {
  return {
    ...process.env,
    KUBECONFIG: undefined, // whatever cluster the user works on, it is not this one
    PULUMI_ACCESS_TOKEN: undefined,
    PATH: searchPath.join(path.delimiter),
    PULUMI_HOME: pulumiHome,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: path.join(dir, "passphrase"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true", // the plugins are installed in PULUMI_HOME; one on PATH would win, with a warning
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    NODE_COMPILE_CACHE: path.join(cacheDir(), "node-compile-cache"),
    LAMBDA_LABS_API_URL: `http://127.0.0.1:${settings.ports.lambda}/api/v1`,
    LAMBDA_LABS_API_KEY: settings.apiKey,
  };
}

/** What the sandbox adds to the committed Pulumi.local.yaml: addresses, and the simulated cloud's faster clock. */
export function sandboxConfig(settings: SandboxSettings, chartDir: string): Record<string, unknown> {
  const { ports, timeScale, sshPublicKey } = settings;
  const scaled = (ms: number): number => Math.ceil(ms / timeScale);
  return {
    "sophia-ai:lambda": {
      requestIntervalMs: scaled(1_000),
      launchIntervalMs: scaled(12_000),
      pollIntervalMs: scaled(5_000),
      settleMs: scaled(180_000),
    },
    "sophia-ai:cluster": {
      k3sDownloadUrl: `http://127.0.0.1:${ports.downloads}/k3s`,
      sshPort: ports.ssh,
      apiPort: ports.kubernetes,
    },
    "sophia-ai:charts": { mirror: chartDir },
    "sophia-ai:sshPublicKey": sshPublicKey,
  };
}

interface StackFile {
  readonly encryptionsalt?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

const readStackFile = (file: string): StackFile =>
  existsSync(file) ? ((parse(readFileSync(file, "utf8")) ?? {}) as StackFile) : {};

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Completes the committed configuration; what the CLI encrypted earlier is kept. */
export function writeStackConfig(
  { configFile, chartDir }: Workspace,
  settings: SandboxSettings,
  overlay = sandboxConfig(settings, chartDir),
): void {
  const committed = readStackFile(path.join(repoRoot, `Pulumi.${STACK}.yaml`)).config ?? {};
  const earlier = readStackFile(configFile);
  const encrypted = Object.entries(earlier.config ?? {}).filter(
    ([, value]) => isSection(value) && "secure" in value,
  );
  const config: Record<string, unknown> = { ...committed, ...Object.fromEntries(encrypted) };
  for (const [key, value] of Object.entries(overlay)) {
    const before = config[key];
    config[key] = isSection(before) && isSection(value) ? { ...before, ...value } : value;
  }
  const salt = earlier.encryptionsalt === undefined ? {} : { encryptionsalt: earlier.encryptionsalt };
  writePrivate(configFile, stringify({ ...salt, config }));
}

/** Commands of the CLI that read or write the stack's configuration. */
const CONFIG_COMMANDS = ["config", "destroy", "import", "preview", "refresh", "up", "watch"];

/** A `pulumi` for interactive use that finds the completed configuration by itself. */
export function installWrapper({ dir, configFile }: Workspace, pulumi: string): string {
  const folder = path.join(dir, "shell");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "pulumi");
  writeFileSync(
    file,
    `#!/bin/sh\ncase "$1" in\n${CONFIG_COMMANDS.join("|")}) exec '${pulumi}' "$@" --config-file '${configFile}' ;;\n*) exec '${pulumi}' "$@" ;;\nesac\n`,
  );
  chmodSync(file, 0o755);
  return folder;
}

export interface PulumiRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PulumiOptions {
  /** Standard input; secrets go this way, never through arguments. @default - none */
  readonly input?: string;
  /** Let the user see what happens: live on a terminal, else when it is over. @default false */
  readonly show?: boolean;
  /** @default - the checkout */
  readonly cwd?: string;
}

/** Whether the CLI can draw its progress by itself. */
export const isInteractive = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/** Runs the CLI. */
export function pulumi(
  workspace: Workspace,
  args: readonly string[],
  { input, show = false, cwd = repoRoot }: PulumiOptions = {},
): Promise<PulumiRun> {
  const live = show && isInteractive();
  const manner = [...(live ? [] : ["--non-interactive"]), ...(show && !live ? ["--suppress-progress"] : [])];
  const command = path.join(workspace.dir, "bin", "pulumi"); // beside it lie its language host and its launchers
  const child = spawn(command, [...args, ...manner], {
    cwd,
    env: workspace.env,
    stdio: live ? "inherit" : "pipe",
  });
  child.stdin?.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (show) process.stderr.write(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (show) process.stderr.write(chunk);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code: code ?? 1, stdout, stderr });
    });
  });
}
