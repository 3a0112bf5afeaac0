import { spawn } from "node:child_process";
import { closeSync, existsSync, globSync, mkdirSync, openSync, rmSync } from "node:fs";
import * as path from "node:path";
import { isStillRunning, readRecord, writeRecord, type ProcessRecord } from "./processes/identity";
import { stopStale } from "./processes/supervisor";
import { lastLines } from "./processes/waitFor";

/** Written by the daemon when everything in it answers. */
export const READY_FILE = "daemon.json";

const START_TIMEOUT_MS = 120_000;

const pidFolder = (dir: string): string => path.join(dir, "daemon");
const pidFile = (dir: string): string => path.join(pidFolder(dir), "daemon.pid");
const logFile = (dir: string): string => path.join(dir, "daemon.log");

/** The daemon's process, if it runs. */
export function runningDaemon(dir: string): ProcessRecord | undefined {
  const record = existsSync(pidFile(dir)) ? readRecord(pidFile(dir)) : undefined;
  return record !== undefined && isStillRunning(record) ? record : undefined;
}

/** Whether the sandbox is up: the daemon runs and has said that it is ready. */
export const isUp = (dir: string): boolean =>
  runningDaemon(dir) !== undefined && existsSync(path.join(dir, READY_FILE));

/** Starts the daemon, and waits until everything in it answers. End what an earlier one left before. */
export async function startDaemon(dir: string, binDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  mkdirSync(pidFolder(dir), { recursive: true, mode: 0o700 });
  const log = openSync(logFile(dir), "a", 0o600);
  const child = spawn(process.execPath, [path.join(__dirname, "daemon.js"), binDir], {
    env: { ...env, SOPHIA_SANDBOX_DIR: dir },
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  if (child.pid !== undefined) writeRecord(pidFile(dir), child.pid);
  child.unref();
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!existsSync(path.join(dir, READY_FILE))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      await stopDaemon(dir);
      throw new Error(
        `the sandbox did not start${ended ? "" : " in 2 minutes"}. The last lines of its log:\n${lastLines(logFile(dir)).join("\n")}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Ends the daemon, and what a killed daemon left running: every folder with pid files below the sandbox's is looked at.
 * Does nothing when nothing runs.
 */
export async function stopDaemon(dir: string): Promise<void> {
  await stopStale(pidFolder(dir));
  rmSync(path.join(dir, READY_FILE), { force: true });
  const left = new Set(
    globSync("machines/**/*.pid", { cwd: dir }).map((file) => path.join(dir, path.dirname(file))),
  );
  await Promise.all([...left].map((folder) => stopStale(folder)));
}
