/** A sandbox of its own for a test, started and ended by the real commands. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { repoRoot } from "../../sandbox/paths";

export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

export class TestSandbox {
  readonly dir = path.join(mkdtempSync(path.join(tmpdir(), "sophia-")), "sandbox");

  /** Runs `node bin/sandbox/cli.js <args>` as the Makefile does. */
  async run(...args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [path.join(repoRoot, "bin", "sandbox", "cli.js"), ...args], {
      cwd: repoRoot,
      env: { ...process.env, SOPHIA_SANDBOX_DIR: this.dir, SOPHIA_TIME_SCALE: "60", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const code = await new Promise<number>((resolve) =>
      child.once("close", (status) => {
        resolve(status ?? 1);
      }),
    );
    return { code, output };
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
