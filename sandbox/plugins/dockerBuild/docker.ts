import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { formatProblem } from "../../../components/problems";
import type { OperationContext } from "../resource";

/** Credentials of a registry. */
export interface Registry {
  readonly address: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** One call of the docker command line. */
export interface DockerCall {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
}

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly all: string;
}

const NO_ENGINE = formatProblem({
  path: "docker",
  what: "no container engine answers on this machine",
  expected: "`docker buildx version` and `docker info` to work",
  fix: "Start Docker, or use a published image by digest instead of building one",
});

function run({ args, env, stdin }: DockerCall, { signal, log }: OperationContext): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, { env: { ...process.env, ...env }, signal });
    let stdout = "";
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
      for (const line of text.split("\n")) if (line.trim() !== "") log(line);
    });
    child.stdin.on("error", () => undefined).end(stdin);
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(NO_ENGINE) : error);
    });
    child.on("close", (code) => {
      resolve({ status: code ?? 1, stdout, all });
    });
  });
}

/** Calls docker and returns what it printed. @throws with all of its output if it fails */
export async function docker(call: DockerCall, context: OperationContext): Promise<string> {
  const { status, stdout, all } = await run(call, context);
  if (status === 0) return stdout;
  throw new Error(`docker ${call.args.slice(0, 2).join(" ")}: exit status ${status}:\n${all}`);
}

/**
 * Runs `body` with the environment that logs docker in to the registries. Credentials lie in a private folder that is
 * removed afterwards; docker reads passwords from its standard input.
 *
 * @throws if no container engine answers
 */
export async function withDocker<T>(
  registries: readonly Registry[],
  context: OperationContext,
  body: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  if ((await run({ args: ["info", "--format", "{{.ServerVersion}}"] }, context)).status !== 0) {
    throw new Error(NO_ENGINE);
  }
  const logins = registries.filter(({ password }) => password !== undefined && password !== "");
  if (logins.length === 0) return body({});
  const usual = process.env["DOCKER_CONFIG"] ?? path.join(homedir(), ".docker");
  const folder = await mkdtemp(path.join(tmpdir(), "docker-config-"));
  try {
    await cp(path.join(usual, "config.json"), path.join(folder, "config.json")).catch(() => undefined);
    // Plugins and contexts belong to the machine, not to the credentials.
    for (const name of ["cli-plugins", "contexts"])
      await symlink(path.join(usual, name), path.join(folder, name));
    const env = {
      DOCKER_CONFIG: folder,
      BUILDX_CONFIG: process.env["BUILDX_CONFIG"] ?? path.join(usual, "buildx"),
    };
    for (const { address, username = "", password } of logins) {
      await docker(
        { args: ["login", address, "--username", username, "--password-stdin"], env, stdin: password },
        context,
      );
    }
    return await body(env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
