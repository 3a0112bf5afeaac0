import { createRequire } from "node:module";
import path from "node:path";
import type { ProgramInfo, RunPluginRequest, RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { z } from "zod";
import { formatProblem } from "../../../components/problems";

const runtimeOptions = z.object({
  /** @default true */
  typescript: z.boolean().default(true),
  tsconfig: z.string().optional(),
  /** Arguments for Node itself, separated by spaces. */
  nodeargs: z.string().optional(),
});

/** The options below `runtime` in Pulumi.yaml that matter to a run. */
export type RuntimeOptions = z.output<typeof runtimeOptions>;

/** A child process of Node, before it is started. */
export interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

function optionsOf(info: ProgramInfo | undefined): RuntimeOptions {
  return runtimeOptions.parse(info?.getOptions()?.toJavaScript() ?? {});
}

/** One of the SDK's own entry points, from the program's own copy of the SDK. */
function entryPoint(name: "run" | "run-plugin" | "run-policy-pack", directory: string): string {
  try {
    return createRequire(path.join(directory, "package.json")).resolve(`@pulumi/pulumi/cmd/${name}`);
  } catch (cause) {
    throw new Error(
      formatProblem({
        path: directory,
        what: "the Pulumi SDK is not installed",
        fix: `Run "npm install" in ${directory}`,
      }),
      { cause },
    );
  }
}

const nodeArgs = ({ nodeargs }: RuntimeOptions): string[] =>
  nodeargs?.split(" ").filter((a) => a !== "") ?? [];

const programEnv = ({ typescript, tsconfig }: RuntimeOptions): NodeJS.ProcessEnv => ({
  PULUMI_NODEJS_TYPESCRIPT: String(typescript),
  ...(tsconfig !== undefined && { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
});

/** How the SDK's runner is called for a program. */
export function programCommand(request: RunRequest, engine: string): Command {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? request.getPwd();
  const options = optionsOf(info);
  const flags = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory() ?? "",
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: String(request.getParallel()),
  };
  const given = Object.entries(flags).filter(([, value]) => value !== "");
  return {
    args: [
      ...nodeArgs(options),
      entryPoint("run", directory),
      ...given.map(([flag, value]) => `--${flag}=${value}`),
      ...(request.getDryrun() ? ["--dry-run"] : []),
      info?.getEntryPoint() ?? request.getProgram(),
      ...request.getArgsList(),
    ],
    cwd: directory,
    env: {
      ...process.env,
      ...programEnv(options),
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    },
  };
}

/** How the SDK's runner is called for a policy pack (kind `analyzer`) or a provider written for Node. */
export function pluginCommand(request: RunPluginRequest): Command {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? request.getPwd();
  const options = optionsOf(info);
  const isPolicyPack = request.getKind() === "analyzer";
  const env = request.getEnvList().map((entry): [string, string] => {
    const [name = "", ...value] = entry.split("=");
    return [name, value.join("=")];
  });
  const args = request.getArgsList();
  return {
    args: [
      ...nodeArgs(options),
      entryPoint(isPolicyPack ? "run-policy-pack" : "run-plugin", directory),
      ...(isPolicyPack ? [...args, directory] : [directory, ...args]),
    ],
    // A policy pack's runner reads the package.json of its working directory.
    cwd: isPolicyPack ? directory : request.getPwd(),
    env: { ...process.env, ...programEnv(options), ...Object.fromEntries(env) },
  };
}
