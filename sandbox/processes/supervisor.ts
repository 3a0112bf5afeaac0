/** Child processes that are restarted when they die and ended, by id, when they are no longer wanted. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isStillRunning, type ProcessRecord, readRecord, writeRecord } from "./identity";

const POLL_MS = 25;
const DEFAULT_GRACE_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;
/** A process that lived this long is healthy: its next death starts the backoff afresh. */
const HEALTHY_AFTER_MS = 10_000;

/** What to run. */
export interface ProcessSpec {
  /** Unique in the supervisor's folder; names the pid file. */
  readonly name: string;
  /** Absolute path of the program. */
  readonly command: string;
  /** Arguments; never a secret, anyone on the machine can read them. */
  readonly args: readonly string[];
  /** The whole environment. @default - an empty one with PATH */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard output and error are appended here. */
  readonly logFile: string;
}

interface Supervised {
  readonly spec: ProcessSpec;
  record: ProcessRecord | undefined;
  wanted: boolean;
  backoffMs: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs processes in sessions of their own, so that a Ctrl-C on the terminal does not reach them, and keeps
 * `<dir>/<name>.pid` for each, so that {@link stopStale} can end what a crashed run left behind.
 */
export class Supervisor {
  private readonly processes = new Map<string, Supervised>();

  /** @param dir - where the pid files are kept; made if missing */
  constructor(
    private readonly dir: string,
    private readonly graceMs: number = DEFAULT_GRACE_MS,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Starts a process and keeps it running until {@link stop}. Does nothing if it is running already. */
  start(spec: ProcessSpec): void {
    if (this.processes.has(spec.name)) return;
    const supervised: Supervised = {
      spec,
      record: undefined,
      wanted: true,
      backoffMs: FIRST_BACKOFF_MS,
      timer: undefined,
    };
    this.processes.set(spec.name, supervised);
    this.launch(supervised);
  }

  /** The id of a running process; undefined if it isn't running now. */
  pid(name: string): number | undefined {
    return this.processes.get(name)?.record?.pid;
  }

  /** Ends a process: asks first, and kills what has not ended after the grace period. */
  async stop(name: string): Promise<void> {
    const supervised = this.processes.get(name);
    if (supervised === undefined) return;
    supervised.wanted = false;
    clearTimeout(supervised.timer);
    if (supervised.record !== undefined) await endProcess(supervised.record, this.graceMs);
    rmSync(this.pidFile(name), { force: true });
    this.processes.delete(name);
  }

  /** Ends everything, last started first. */
  async stopAll(): Promise<void> {
    for (const name of [...this.processes.keys()].reverse()) await this.stop(name);
  }

  private pidFile(name: string): string {
    return join(this.dir, `${name}.pid`);
  }

  private launch(supervised: Supervised): void {
    const { name, command, args, env, logFile } = supervised.spec;
    const started = Date.now();
    const log = openSync(logFile, "a", 0o600);
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        detached: true,
        stdio: ["ignore", log, log],
        env: env ?? { PATH: "/usr/bin:/bin" },
      });
    } finally {
      closeSync(log);
    }
    if (child.pid !== undefined) supervised.record = writeRecord(this.pidFile(name), child.pid);
    const died = (): void => {
      this.onDeath(supervised, Date.now() - started);
    };
    child.once("exit", died);
    child.once("error", died);
  }

  private onDeath(supervised: Supervised, livedMs: number): void {
    supervised.record = undefined;
    if (!supervised.wanted) return;
    if (livedMs > HEALTHY_AFTER_MS) supervised.backoffMs = FIRST_BACKOFF_MS;
    supervised.timer = setTimeout(() => {
      this.launch(supervised);
    }, supervised.backoffMs);
    supervised.backoffMs = Math.min(supervised.backoffMs * 2, LONGEST_BACKOFF_MS);
  }
}

/**
 * Ends what an earlier run recorded in `dir` and did not stop. A process is only ended if its id, start time and
 * command all still match the record. Returns the names of those ended.
 */
export async function stopStale(dir: string, graceMs: number = DEFAULT_GRACE_MS): Promise<string[]> {
  if (!existsSync(dir)) return [];
  const files = readdirSync(dir).filter((file) => file.endsWith(".pid"));
  const found = files.map((file) => ({ file, record: readRecord(join(dir, file)) }));
  const ended: string[] = [];
  // Last started first: a server that has lost its store takes long to end.
  for (const { file, record } of found.sort((one, other) => startOf(other) - startOf(one))) {
    if (record !== undefined && isStillRunning(record)) {
      await endProcess(record, graceMs);
      ended.push(file.slice(0, -".pid".length));
    }
    rmSync(join(dir, file), { force: true });
  }
  return ended;
}

/** Orders by start time, a matter of clock ticks, and by id within one tick. */
const startOf = ({ record }: { readonly record: ProcessRecord | undefined }): number =>
  record === undefined ? 0 : Number(record.startTime) + record.pid / 2 ** 22;

/** Ends one recorded process and its group: TERM, then KILL after the grace period. */
async function endProcess(record: ProcessRecord, graceMs: number): Promise<void> {
  signalGroup(record, "SIGTERM");
  const deadline = Date.now() + graceMs;
  while (isStillRunning(record)) {
    if (Date.now() > deadline) signalGroup(record, "SIGKILL");
    await sleep(POLL_MS);
  }
}

function signalGroup(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isStillRunning(record)) return;
  try {
    process.kill(-record.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
