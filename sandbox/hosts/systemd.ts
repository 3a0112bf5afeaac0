/** systemd of an instance, as far as k3s' installation and operation call for it. */
import { existsSync, readFileSync } from "node:fs";
import { type DiskLayout, onDisk, writeOnDisk } from "./disk";
import type { Reply } from "./requests";

const STATE_FILE = "/var/lib/sandbox/units.json";
const JOURNAL_LINES = 200;

/** Services of Lambda's image that the sandbox doesn't play but need not complain about. */
const BUILT_IN = ["ssh", "nvidia-persistenced", "systemd-timesyncd", "unattended-upgrades", "chrony"].map(
  (name) => `${name}.service`,
);

/** A parsed systemctl call. */
export interface SystemctlCall {
  readonly verb: string;
  readonly units: readonly string[];
  readonly now: boolean;
  readonly quiet: boolean;
  readonly noBlock: boolean;
}

/** Reads systemctl's arguments; a unit without a suffix is a service. */
export function parseSystemctl(args: readonly string[]): SystemctlCall {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const [verb = "list-units", ...units] = words;
  return {
    verb,
    units: units.map((unit) => (unit.includes(".") ? unit : `${unit}.service`)),
    now: args.includes("--now"),
    quiet: args.includes("-q") || args.includes("--quiet"),
    noBlock: args.includes("--no-block"),
  };
}

/** What a unit file says of a service. */
export interface UnitFile {
  readonly execStart: readonly string[];
  /** Whether the service says itself when it is up; otherwise starting it doesn't wait for that. */
  readonly notifies: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFiles: readonly string[];
}

/** Reads a unit file: continued lines are joined, quotes around values removed. */
export function parseUnit(content: string): UnitFile {
  const environment: Record<string, string> = {};
  const environmentFiles: string[] = [];
  let execStart: string[] = [];
  let notifies = false;
  for (const line of content.replace(/\\\n/g, " ").split("\n")) {
    const { key, value = "" } = /^\s*(?<key>\w+)\s*=\s*(?<value>.*)$/.exec(line)?.groups ?? {};
    if (key === "ExecStart") execStart = words(value);
    if (key === "Type") notifies = value.trim() === "notify";
    if (key === "EnvironmentFile") environmentFiles.push(value);
    if (key === "Environment") for (const pair of words(value)) assign(environment, pair);
  }
  return { execStart, notifies, environment, environmentFiles };
}

/** Reads an environment file: one `NAME=value` a line. */
export function parseEnvironment(content: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of content.split("\n")) if (!/^\s*[#;]/.test(line)) assign(environment, line.trim());
  return environment;
}

function assign(target: Record<string, string>, pair: string): void {
  const { name, value } = /^(?<name>\w+)=(?<value>.*)$/s.exec(pair)?.groups ?? {};
  if (name !== undefined && value !== undefined) target[name] = value.replace(/^(["'])(.*)\1$/s, "$2");
}

function words(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? "",
  );
}

/** Runs what a unit stands for. */
export interface ServiceRunner {
  /** Resolves when the service is up; rejects if it ended. `log` writes to the unit's journal. */
  start(unit: string, file: UnitFile, log: (line: string) => void, cancelled: AbortSignal): Promise<void>;
  stop(unit: string): Promise<void>;
}

type UnitState = "inactive" | "activating" | "active" | "failed";

interface Unit {
  state: UnitState;
  readonly journal: string[];
  starting: AbortController | undefined;
  /** The start under way, or the last one; never rejects. */
  run: Promise<Reply> | undefined;
}

/** The units of one instance. Which are enabled and which run is kept on its disk. */
export class Systemd {
  private readonly units = new Map<string, Unit>();
  private readonly enabled = new Set<string>();
  private isDown = false;

  constructor(
    private readonly disk: DiskLayout,
    private readonly runner: ServiceRunner,
  ) {}

  /** Starts what ran when the sandbox ended, without waiting: an agent waits for a server on another instance. */
  restore(): void {
    const file = onDisk(this.disk, STATE_FILE);
    if (!existsSync(file)) return;
    const { enabled, running } = JSON.parse(readFileSync(file, "utf8")) as {
      enabled: string[];
      running: string[];
    };
    for (const unit of enabled) this.enabled.add(unit);
    for (const unit of running) if (existsSync(this.path(unit))) void this.start(unit);
  }

  /** Ends what runs without forgetting it: the machine goes down, not the unit. */
  async shutdown(): Promise<void> {
    this.isDown = true;
    for (const [name, unit] of this.units) {
      unit.starting?.abort();
      await unit.run;
      if (unit.state === "active") await this.runner.stop(name);
      unit.state = "inactive";
    }
  }

  /** Answers one systemctl call. */
  async systemctl(args: readonly string[]): Promise<Reply> {
    const call = parseSystemctl(args);
    if (call.verb === "daemon-reload" || call.verb === "daemon-reexec" || call.verb === "reset-failed")
      return { code: 0 };
    if (call.verb === "is-system-running") return { code: 0, stdout: "running" };
    if (call.units.length === 0) return { code: 1, stderr: "Too few arguments." };
    const replies: Reply[] = [];
    for (const unit of call.units) replies.push(await this.one(call, unit));
    const join = (part: (reply: Reply) => string | undefined): string =>
      replies.map(part).filter(Boolean).join("\n");
    return {
      code: Math.max(...replies.map(({ code }) => code)),
      stdout: call.quiet ? "" : join(({ stdout }) => stdout),
      stderr: join(({ stderr }) => stderr),
    };
  }

  /** The last lines a unit logged. */
  journal(name: string, lines: number): string[] {
    return (this.units.get(name)?.journal ?? []).slice(-lines);
  }

  private async one({ verb, now, noBlock }: SystemctlCall, name: string): Promise<Reply> {
    if (BUILT_IN.includes(name)) return { code: 0, stdout: verb === "is-active" ? "active" : "" };
    const unit = this.unit(name);
    const exists = existsSync(this.path(name));
    if (verb === "is-active") return { code: unit.state === "active" ? 0 : 3, stdout: unit.state };
    if (verb === "is-failed") return { code: unit.state === "failed" ? 0 : 1, stdout: unit.state };
    if (verb === "status" && exists) return this.status(name, unit);
    if (verb === "mask" || verb === "unmask") return { code: 0 };
    if (!exists) return { code: verb === "status" ? 4 : 5, stderr: `Unit ${name} could not be found.` };
    switch (verb) {
      case "enable":
        this.enabled.add(name);
        this.save();
        return now ? this.start(name, noBlock) : { code: 0 };
      case "disable":
        this.enabled.delete(name);
        this.save();
        return now ? this.stop(name) : { code: 0 };
      case "start":
        return unit.state === "active" ? { code: 0 } : this.start(name, noBlock);
      case "restart":
      case "reload-or-restart":
      case "try-restart":
        await this.stop(name);
        return this.start(name, noBlock);
      case "stop":
      case "kill":
        return this.stop(name);
      case "is-enabled":
        return this.enabled.has(name) ? { code: 0, stdout: "enabled" } : { code: 1, stdout: "disabled" };
      default:
        return { code: 1, stderr: `Unknown command verb ${verb}.` };
    }
  }

  private async start(name: string, noBlock = false): Promise<Reply> {
    const unit = this.unit(name);
    if (unit.state === "active") return { code: 0 };
    unit.starting?.abort();
    const starting = new AbortController();
    unit.starting = starting;
    unit.state = "activating";
    this.save();
    const log = (line: string): void => {
      unit.journal.push(`${new Date().toISOString()} ${name}: ${line}`);
      unit.journal.splice(0, unit.journal.length - JOURNAL_LINES);
    };
    const file = parseUnit(readFileSync(this.path(name), "utf8"));
    unit.run = this.run(name, file, unit, log, starting.signal);
    return noBlock || !file.notifies ? { code: 0 } : unit.run;
  }

  private async run(
    name: string,
    file: UnitFile,
    unit: Unit,
    log: (line: string) => void,
    cancelled: AbortSignal,
  ): Promise<Reply> {
    try {
      log(`Starting ${file.execStart.slice(0, 2).join(" ")}`);
      await this.runner.start(name, file, log, cancelled);
      if (cancelled.aborted) return { code: 1, stderr: `Job for ${name} canceled.` };
      unit.state = "active";
      log("Started");
      return { code: 0 };
    } catch (error) {
      if (cancelled.aborted) return { code: 1, stderr: `Job for ${name} canceled.` };
      unit.state = "failed";
      log(`level=fatal msg=${JSON.stringify(error instanceof Error ? error.message : String(error))}`);
      return {
        code: 1,
        stderr: [
          `Job for ${name} failed because the control process exited with error code.`,
          `See "systemctl status ${name}" and "journalctl -xeu ${name}" for details.`,
        ].join("\n"),
      };
    } finally {
      this.save();
    }
  }

  private async stop(name: string): Promise<Reply> {
    const unit = this.unit(name);
    unit.starting?.abort();
    if (unit.state === "active") await this.runner.stop(name);
    unit.state = "inactive";
    this.save();
    return { code: 0 };
  }

  private status(name: string, { state, journal }: Unit): Reply {
    const detail = { active: "running", inactive: "dead", activating: "start", failed: "Result: exit-code" }[
      state
    ];
    const head = [
      `● ${name}`,
      `     Loaded: loaded (/etc/systemd/system/${name}; ${this.enabled.has(name) ? "enabled" : "disabled"})`,
      `     Active: ${state} (${detail})`,
      "",
    ];
    return { code: state === "active" ? 0 : 3, stdout: [...head, ...journal.slice(-10)].join("\n") };
  }

  private unit(name: string): Unit {
    const known = this.units.get(name);
    if (known !== undefined) return known;
    const unit: Unit = { state: "inactive", journal: [], starting: undefined, run: undefined };
    this.units.set(name, unit);
    return unit;
  }

  private path(name: string): string {
    return onDisk(this.disk, `/etc/systemd/system/${name}`);
  }

  private save(): void {
    if (this.isDown) return;
    const running = [...this.units].filter(([, { state }]) => state === "active" || state === "activating");
    const state = { enabled: [...this.enabled], running: running.map(([name]) => name) };
    writeOnDisk(this.disk, STATE_FILE, JSON.stringify(state), 0o600);
  }
}
