/** What `make up`, `make down`, `make status` and `make shell` do. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import * as path from "node:path";
import { throwIfAny } from "../components/problems";
import { isUp, runningDaemon, startDaemon, stopDaemon } from "./daemonControl";
import { checkMachine } from "./machine";
import { repoRoot } from "./paths";
import { step } from "./progress";
import { portProblems, sandboxSettings, type SandboxSettings } from "./settings";
import { hasStack, kubeconfigFile, readStatus, renderStatus } from "./status";
import { ensureChartMirror, mirrorCharts } from "./toolchain/charts";
import { ensureToolchain } from "./toolchain/toolchain";
import {
  installWrapper,
  isInteractive,
  prepareWorkspace,
  pulumi,
  STACK,
  writeStackConfig,
  type PulumiOptions,
  type Workspace,
} from "./workspace";

/** Says that a command failed after it has told the user why. */
export class CommandFailed extends Error {}

/** What else can be done when a command of the engine fails. */
const REMEDIES: Readonly<Record<string, string>> = {
  destroy: " To end the sandbox without it: make down ARGS=--force",
};

async function mustRun(
  workspace: Workspace,
  args: readonly string[],
  options: PulumiOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await pulumi(workspace, args, options);
  if (code === 0) return stdout;
  throw new CommandFailed(
    options.show
      ? `pulumi ${args[0] ?? ""} failed; its output is above.${REMEDIES[args[0] ?? ""] ?? ""}`
      : `pulumi ${args.join(" ")}: failed (exit code ${code}).\n${stderr || stdout}`,
  );
}

/** Runs a long command of the engine; on a terminal the engine shows its own progress. */
async function engine(title: string, workspace: Workspace, args: readonly string[]): Promise<void> {
  const run = () => mustRun(workspace, [...args, ...configArgs(workspace)], { show: true });
  await (isInteractive() ? run() : step(title, run));
}

const configArgs = ({ configFile }: Workspace): string[] => ["--stack", STACK, "--config-file", configFile];

/** Selects the stack, or makes it with its encryption and its one secret. */
async function ensureStack(workspace: Workspace, settings: SandboxSettings): Promise<void> {
  if (!hasStack(workspace.dir)) {
    // Elsewhere, because the CLI writes the new stack's salt beside Pulumi.yaml, into a committed file.
    const cwd = path.join(workspace.dir, "init");
    mkdirSync(cwd, { recursive: true });
    copyFileSync(path.join(repoRoot, "Pulumi.yaml"), path.join(cwd, "Pulumi.yaml"));
    await mustRun(workspace, ["stack", "init", STACK], { cwd });
    renameSync(path.join(cwd, `Pulumi.${STACK}.yaml`), workspace.configFile);
    await mustRun(workspace, ["stack", "select", STACK]);
  }
  writeStackConfig(workspace, settings);
  if (!readFileSync(workspace.configFile, "utf8").includes("sophia-ai:sshPrivateKey")) {
    await mustRun(workspace, ["config", "set", "--secret", "sshPrivateKey", ...configArgs(workspace)], {
      input: settings.sshPrivateKey,
    });
  }
}

/**
 * Mends what a killed CLI leaves: its lock, and creations of which it is not known whether they happened. All of ours
 * may be done again: instances are found by name, and objects in the cluster are taken over in this one run.
 */
async function repairInterrupted(workspace: Workspace): Promise<void> {
  const locks = path.join(workspace.dir, "pulumi", ".pulumi", "locks", "organization", "sophia-ai", STACK);
  const files = existsSync(locks) ? readdirSync(locks) : [];
  const isAlive = (file: string): boolean => {
    const { pid } = JSON.parse(readFileSync(path.join(locks, file), "utf8")) as { pid: number };
    return existsSync(`/proc/${pid}`);
  };
  if (files.length === 0 || files.some(isAlive)) return;
  await step("repairing after an interrupted run", async () => {
    await mustRun(workspace, ["cancel", STACK, "--yes"]);
    await mustRun(workspace, [
      "refresh",
      "--yes",
      "--skip-preview",
      "--clear-pending-creates",
      ...configArgs(workspace),
    ]);
  });
  workspace.env.PULUMI_K8S_UPSERT_EXISTING_OBJECTS = "true";
}

async function prepare(dir: string): Promise<{ workspace: Workspace; settings: SandboxSettings }> {
  checkMachine();
  const settings = await sandboxSettings(dir);
  return { settings, workspace: await prepareWorkspace(dir, settings) };
}

/** Makes sure that the machine and the tools are ready, and shows the tools. */
export async function setup(): Promise<void> {
  checkMachine();
  const { tools } = await ensureToolchain();
  await ensureChartMirror({ helm: tools.helm.path });
  const rows = Object.entries(tools).map(([name, { version, origin }]) => ({ name, version, origin }));
  const charts = mirrorCharts.map(({ name, version }) => ({
    name: `${name} (chart)`,
    version,
    origin: "built",
  }));
  console.table([...rows, ...charts]);
}

/** Brings the sandbox and the platform up, or brings them up to date. */
export async function up(dir: string): Promise<void> {
  const { workspace, settings } = await prepare(dir);
  if (!isUp(dir)) {
    await step("starting the sandbox", async () => {
      await stopDaemon(dir);
      throwIfAny("the sandbox cannot start", await portProblems(settings));
      await startDaemon(dir, workspace.binDir, workspace.env);
    });
  }
  await ensureStack(workspace, settings);
  await repairInterrupted(workspace);
  await engine(`pulumi up of stack ${STACK}`, workspace, [
    "up",
    "--yes",
    "--skip-preview",
    "--suppress-outputs",
  ]);
  await show(workspace, settings);
}

async function show(workspace: Workspace, settings: SandboxSettings): Promise<void> {
  const current = await readStatus(workspace);
  console.log(
    current === undefined
      ? `Stack ${STACK} has no outputs; run: make up`
      : renderStatus(current, workspace.dir, settings),
  );
}

/** Shows what is there now. */
export async function status(dir: string): Promise<void> {
  if (!existsSync(dir)) {
    console.log("There is no sandbox; run: make up");
    return;
  }
  if (!isUp(dir)) throw new CommandFailed("The sandbox is not running; run: make up");
  const { workspace, settings } = await prepare(dir);
  await show(workspace, settings);
}

/**
 * Destroys the stack, ends every process and removes the folder.
 *
 * @param args `--force` leaves the stack as it is: in the sandbox nothing of it outlives the folder
 */
export async function down(dir: string, args: readonly string[] = []): Promise<void> {
  if (!existsSync(dir)) {
    console.log("There is no sandbox; nothing to do.");
    return;
  }
  if (isUp(dir) && hasStack(dir) && !args.includes("--force")) {
    const { workspace } = await prepare(dir);
    await repairInterrupted(workspace);
    await engine(`pulumi destroy of stack ${STACK}`, workspace, ["destroy", "--yes", "--skip-preview"]);
  }
  await step("stopping the sandbox", () => stopDaemon(dir));
  if (runningDaemon(dir) !== undefined)
    throw new CommandFailed("The sandbox's process did not end; look at daemon.log.");
  rmSync(dir, { recursive: true, force: true });
}

/** Opens a shell in which pulumi, kubectl and helm are set up for the sandbox; or runs one command in it. */
export async function shell(dir: string, command: readonly string[]): Promise<number> {
  if (!isUp(dir)) throw new CommandFailed("The sandbox is not running; run: make up");
  const { workspace } = await prepare(dir);
  const wrapper = installWrapper(workspace, path.join(dir, "bin", "pulumi"));
  const env = {
    ...workspace.env,
    PATH: `${wrapper}:${workspace.env.PATH ?? ""}`,
    KUBECONFIG: kubeconfigFile(dir),
  };
  const [program = process.env.SHELL ?? "/bin/sh", ...args] = command;
  if (command.length === 0)
    console.log("pulumi, kubectl and helm work on the sandbox here. Leave with: exit");
  const { status: code } = spawnSync(program, args, { cwd: repoRoot, env, stdio: "inherit" });
  return code ?? 1;
}
