/** A stack of Lambda Cloud resources and nothing else: the real engine, a project of its own, a simulated account. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { LambdaSimulator } from "../../sandbox/lambdaCloud/simulator";
import { repoRoot } from "../../sandbox/paths";
import { sandboxSettings } from "../../sandbox/settings";
import { prepareWorkspace, sandboxConfig, type Workspace } from "../../sandbox/workspace";
import { resultOf, type CommandResult } from "./sandbox";
import { living } from "./simulatedAccount";

/** Virtual seconds in a real one: an instance boots in two. */
const TIME_SCALE = 60;

/** One resource; `{ ref: "key.name" }` among its arguments stands for another's output. */
export interface Declared {
  readonly type: "Instance" | "SshKey" | "FileSystem" | "FirewallRuleset" | "FirewallRules";
  readonly args: Readonly<Record<string, unknown>>;
  readonly options?: object;
}

/** Builds what resources.json says, in its order. */
const PROGRAM = `"use strict";
const lambda = (type) => require(${JSON.stringify(`${repoRoot}/bin/components/lambda/`)} + type[0].toLowerCase() + type.slice(1) + ".js")[type];
const made = {};
const resolve = (value) => {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value !== "object" || value === null) return value;
  if ("ref" in value) { const [name, output] = value.ref.split("."); return made[name][output]; }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolve(part)]));
};
for (const [name, { type, args, options }] of Object.entries(require("./resources.json")))
  made[name] = new (lambda(type))(name, resolve(args), options);
`;

export class LambdaStack {
  readonly dir = mkdtempSync(path.join(tmpdir(), "sophia-lambda-"));
  readonly #project = path.join(this.dir, "project");
  #simulator!: LambdaSimulator;
  #workspace!: Workspace;

  async start(): Promise<void> {
    const settings = await sandboxSettings(path.join(this.dir, "sandbox"));
    this.#workspace = await prepareWorkspace(path.join(this.dir, "sandbox"), settings, () => undefined);
    this.#simulator = new LambdaSimulator({
      stateFile: path.join(this.dir, "lambda.json"),
      port: settings.ports.lambda,
      apiKey: settings.apiKey,
      adminToken: settings.adminToken,
      timeScale: TIME_SCALE,
    });
    await this.#simulator.start();
    mkdirSync(path.join(this.#project, "components"), { recursive: true });
    symlinkSync(path.join(repoRoot, "node_modules"), path.join(this.#project, "node_modules"));
    const runtime = { name: "nodejs", options: { typescript: false } };
    this.#write("Pulumi.yaml", JSON.stringify({ name: "sophia-ai", main: "index.js", runtime }));
    const config = sandboxConfig({ ...settings, timeScale: TIME_SCALE }, this.#workspace.chartDir);
    const lambda = config["sophia-ai:lambda"];
    this.#write("Pulumi.test.yaml", JSON.stringify({ config: { "sophia-ai:lambda": lambda } }));
    this.#write("index.js", PROGRAM);
    this.editImplementation("");
    await this.pulumi("stack", "init", "test");
  }

  #write(file: string, content: string): void {
    writeFileSync(path.join(this.#project, file), content);
  }

  /** Puts a statement before what the dynamic providers load; `handlers` is what they call, by kind. */
  editImplementation(statement: string): void {
    const real = JSON.stringify(path.join(repoRoot, "components", "compiled.cjs"));
    const wrapped = `{ ...loaded, makeHandlers: (source) => { const handlers = loaded.makeHandlers(source); ${statement}; return handlers; } }`;
    this.#write(
      "components/compiled.cjs",
      `exports.load = (file) => { const loaded = require(${real}).load(file); return ${wrapped}; };\n`,
    );
  }

  /** What the program declares from now on. */
  declare(resources: Readonly<Record<string, Declared>>): void {
    this.#write("resources.json", JSON.stringify(resources));
  }

  /** Starts the engine in a process group of its own, as a terminal would. */
  spawn(...args: readonly string[]): { child: ChildProcess; ended: Promise<CommandResult> } {
    const { dir, env } = this.#workspace;
    const child = spawn(path.join(dir, "bin", "pulumi"), [...args, "--non-interactive"], {
      cwd: this.#project,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { child, ended: resultOf(child) };
  }

  pulumi(...args: readonly string[]): Promise<CommandResult> {
    return this.spawn(...args).ended;
  }

  up(): Promise<CommandResult> {
    return this.pulumi("up", "--yes", "--skip-preview", "--stack", "test");
  }

  /** What a preview would do to each resource, by name; `same` is left out. */
  async planned(): Promise<Readonly<Record<string, string>>> {
    const { output } = await this.pulumi("preview", "--json", "--stack", "test");
    const { steps } = JSON.parse(output) as { steps: { op: string; urn: string }[] };
    return Object.fromEntries(
      steps.filter(({ op }) => op !== "same").map(({ op, urn }) => [urn.split("::").at(-1) ?? "", op]),
    );
  }

  get simulator(): LambdaSimulator {
    return this.#simulator;
  }

  /** Instances that live, as the account knows them. */
  alive(): { id: string; name: string }[] {
    return living(this.#simulator).map(({ id, name }) => ({ id, name }));
  }

  /** How many instances were ever launched. */
  launches(): number {
    return this.#simulator.cloud.state.nextAddress;
  }

  /** Ids of what runs in this stack's environment: a killed engine leaves its plugins behind. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PULUMI_HOME=${this.dir}/`);
        } catch {
          return false; // it has ended, or is somebody else's
        }
      })
      .map(Number);
  }

  async dispose(): Promise<void> {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await this.#simulator.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
