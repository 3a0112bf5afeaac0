import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { handleUnaryCall, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import * as language from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { z } from "zod";
import { type Command, pluginCommand, programCommand } from "./commands";

/** The exit status by which the SDK says that it has told the user already what went wrong. */
const ALREADY_REPORTED = 32;

/** Children that still run; they must not outlive this process. */
const children = new Set<ChildProcess>();

/** Ends every child. */
export function endChildren(): void {
  for (const child of children) child.kill();
}

/** What all kinds of gRPC calls have in common here. */
interface Cancellable {
  on(event: "cancelled", listener: () => void): unknown;
}

/** Starts a process that ends with the call. */
function start(
  program: string,
  command: Command,
  call: Cancellable,
  output: "inherit" | "pipe",
): ChildProcess {
  const { args, cwd, env } = command;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", output, output] });
  children.add(child);
  child.once("close", () => children.delete(child));
  call.on("cancelled", () => child.kill());
  return child;
}

/** The exit status of a child; 1 when a signal ended it. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function unary<Request, Response>(
  answer: (request: Request, call: Cancellable) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void Promise.resolve()
      .then(() => answer(call.request, call))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(toError(error));
        },
      );
  };
}

/** A call whose answer is the output of a process. */
function streaming<Request, Response>(
  run: (call: ServerWritableStream<Request, Response>) => Promise<void>,
): (call: ServerWritableStream<Request, Response>) => void {
  return (call) => {
    void run(call).then(
      () => call.end(),
      (error: unknown) => call.emit("error", toError(error)),
    );
  };
}

/** Passes a child's output on, and returns its exit status. */
function relay(
  child: ChildProcess,
  write: (stream: "stdout" | "stderr", data: Buffer) => void,
): Promise<number> {
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (data: Buffer) => {
      write(stream, data);
    });
  }
  return exitOf(child);
}

async function run(
  engine: string,
  request: language.RunRequest,
  call: Cancellable,
): Promise<language.RunResponse> {
  const response = new language.RunResponse();
  const status = await exitOf(start(process.execPath, programCommand(request, engine), call, "inherit"));
  if (status === ALREADY_REPORTED) response.setBail(true);
  else if (status !== 0) response.setError(`Program exited with non-zero exit code: ${status}`);
  return response;
}

async function runPlugin(
  call: ServerWritableStream<language.RunPluginRequest, language.RunPluginResponse>,
): Promise<void> {
  const child = start(process.execPath, pluginCommand(call.request), call, "pipe");
  const status = await relay(child, (stream, data) => {
    const response = new language.RunPluginResponse();
    if (stream === "stdout") response.setStdout(data);
    else response.setStderr(data);
    call.write(response);
  });
  const last = new language.RunPluginResponse();
  last.setExitcode(status);
  call.write(last);
}

async function installDependencies(
  call: ServerWritableStream<language.InstallDependenciesRequest, language.InstallDependenciesResponse>,
): Promise<void> {
  const directory = call.request.getInfo()?.getProgramDirectory() ?? call.request.getDirectory();
  const npm = { args: ["install"], cwd: directory, env: process.env };
  const status = await relay(start("npm", npm, call, "pipe"), (stream, data) => {
    const response = new language.InstallDependenciesResponse();
    if (stream === "stdout") response.setStdout(data);
    else response.setStderr(data);
    call.write(response);
  });
  if (status !== 0) throw new Error(`npm install in ${directory} exited with status ${status}`);
}

const versions = z.record(z.string(), z.string());
const manifest = z.object({
  version: z.string().optional(),
  dependencies: versions.default({}),
  devDependencies: versions.default({}),
});
const lockfile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

/** What is installed beside the program, by name and version. */
async function programDependencies(directory: string, transitive: boolean): Promise<[string, string][]> {
  const modules = path.join(directory, "node_modules");
  const { packages } = lockfile.parse(await readJson(path.join(modules, ".package-lock.json")));
  const { dependencies, devDependencies } = manifest.parse(
    await readJson(path.join(directory, "package.json")),
  );
  const direct = new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]);
  return Object.entries(packages)
    .map(([key, { version }]): [string, string] => [key.split("node_modules/").at(-1) ?? key, version ?? ""])
    .filter(([name]) => transitive || direct.has(name));
}

async function getProgramDependencies(
  request: language.GetProgramDependenciesRequest,
): Promise<language.GetProgramDependenciesResponse> {
  const directory = request.getInfo()?.getProgramDirectory() ?? "";
  const found = await programDependencies(directory, request.getTransitivedependencies());
  const response = new language.GetProgramDependenciesResponse();
  response.setDependenciesList(
    found.map(([name, version]) => new language.DependencyInfo().setName(name).setVersion(version)),
  );
  return response;
}

/**
 * The stand-in's answers. What is missing here (code generation, templates) gRPC answers with "unimplemented", which
 * the CLI understands. No package is listed as required, so that the CLI downloads nothing up front; a provider is
 * looked up when the program first uses it.
 *
 * @param engine Address of the engine, to which programs report
 * @param version Version that the plugin claims
 */
export function languageRuntime(engine: string, version: string): UntypedServiceImplementation {
  const implementation = {
    handshake: unary(() => new language.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    getRequiredPlugins: unary(() => new language.GetRequiredPluginsResponse()),
    getRequiredPackages: unary(() => new language.GetRequiredPackagesResponse()),
    runtimeOptionsPrompts: unary(() => new language.RuntimeOptionsResponse()),
    about: unary(() =>
      new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version.slice(1)),
    ),
    getProgramDependencies: unary(getProgramDependencies),
    run: unary((request: language.RunRequest, call) => run(engine, request, call)),
    runPlugin: streaming(runPlugin),
    installDependencies: streaming(installDependencies),
    cancel: unary(() => {
      endChildren();
      return new Empty();
    }),
  };
  return implementation;
}
