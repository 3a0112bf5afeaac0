/** A sandbox of its own for a test, started and ended by the real commands. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Readable } from "node:stream";
import { repoRoot } from "../../sandbox/paths";

export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

/** All that a command says until it ends. */
export function resultOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<CommandResult> {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) =>
    child.once("close", (code) => {
      resolve({ code: code ?? 1, output });
    }),
  );
}

export class TestSandbox {
  readonly dir = path.join(mkdtempSync(path.join(tmpdir(), "sophia-")), "sandbox");

  /** Runs `node bin/sandbox/cli.js <args>` as the Makefile does. */
  run(...args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [path.join(repoRoot, "bin", "sandbox", "cli.js"), ...args], {
      cwd: repoRoot,
      env: { ...process.env, SOPHIA_SANDBOX_DIR: this.dir, SOPHIA_TIME_SCALE: "60", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return resultOf(child);
  }

  /** Runs a program as `make shell` would. */
  shell(...command: readonly string[]): Promise<CommandResult> {
    return this.run("shell", ...command);
  }

  /** Ends it whatever state it is in. */
  async dispose(): Promise<void> {
    await this.run("down");
    await this.run("down", "--force");
    rmSync(path.dirname(this.dir), { recursive: true, force: true });
  }
}
