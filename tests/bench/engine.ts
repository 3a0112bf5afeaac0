/** Timing the real engine: one command, several times, the median. */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { repoRoot } from "../../sandbox/paths";
import type { TestSandbox } from "../support/sandbox";

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Runs Pulumi in a sandbox's environment, without the sandbox's own command line around it. */
export class Engine {
  private constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly pulumi: string,
  ) {}

  static async in(sandbox: TestSandbox): Promise<Engine> {
    const { output } = await sandbox.shell("node", "-e", "console.log(JSON.stringify(process.env))");
    const env = JSON.parse(output) as NodeJS.ProcessEnv;
    return new Engine(env, path.join(sandbox.dir, "bin", "pulumi"));
  }

  /** The same engine with other variables in its environment. */
  with(env: NodeJS.ProcessEnv): Engine {
    return new Engine({ ...this.env, ...env }, this.pulumi);
  }

  /** Runs one command. @returns Its output and its duration in seconds */
  run(cwd: string, ...args: readonly string[]): { stdout: string; seconds: number } {
    const started = process.hrtime.bigint();
    const { status, stdout, stderr } = spawnSync(this.pulumi, [...args, "--non-interactive"], {
      cwd,
      env: this.env,
      encoding: "utf8",
      maxBuffer: 512 * 1024 * 1024,
    });
    if (status !== 0) throw new Error(`pulumi ${args.join(" ")}: failed.\n${stdout}\n${stderr}`);
    return { stdout, seconds: Number(process.hrtime.bigint() - started) / 1e9 };
  }

  /** The median of several runs after one that warms the caches. */
  median(runs: number, cwd: string, ...args: readonly string[]): number {
    this.run(cwd, ...args);
    return median(Array.from({ length: runs }, () => this.run(cwd, ...args).seconds));
  }
}

/** A Pulumi project of one JavaScript file that finds this checkout's packages. */
export function makeProject(dir: string, name: string, program: string): string {
  const project = path.join(dir, name);
  mkdirSync(project, { recursive: true });
  symlinkSync(path.join(repoRoot, "node_modules"), path.join(project, "node_modules"));
  writeFileSync(
    path.join(project, "Pulumi.yaml"),
    `name: ${name}\nruntime: { name: nodejs, options: { typescript: false } }\n`,
  );
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ name, main: "index.js" }));
  writeFileSync(path.join(project, "index.js"), program);
  return project;
}
