import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import * as path from "node:path";
import { throwIfAny } from "../../components/problems";
import { isExecutable, writePrivate } from "../files";
import { cacheDir } from "../paths";
import { step, toStderr, type ProgressSink } from "../progress";
import { copyProviderSchema, go, moduleKey } from "./goModule";
import { buildProblems } from "./preflight";
import { parseVersion, tools, type ToolName, type ToolSpec } from "./tools";

export interface Tool {
  readonly path: string;
  readonly version: string;
  /** built: from its pinned Go module; found: on PATH, in a fitting version. */
  readonly origin: "built" | "found";
}

export interface Toolchain {
  /** A folder that holds every tool by its name; first on PATH of everything the sandbox starts. */
  readonly binDir: string;
  readonly tools: Readonly<Record<ToolName, Tool>>;
}

export interface ToolchainOptions {
  /** @default - `cacheDir()` */
  readonly cache?: string;
  /** Where tools that exist already are looked for. @default - PATH */
  readonly path?: string;
  readonly sink?: ProgressSink;
}

const ldflags = ({ versionVariables = {} }: ToolSpec): string =>
  ["-s", "-w", ...Object.entries(versionVariables).map(([name, value]) => `-X ${name}=${value}`)].join(" ");

/** Versions of tools on PATH, remembered by path, size and time of change, so that a warm run starts no process. */
class FoundVersions {
  readonly #file: string;
  readonly #known: Record<string, string>;

  constructor(cache: string) {
    this.#file = path.join(cache, "found.json");
    this.#known = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, "utf8")) as Record<string, string>)
      : {};
  }

  version(file: string, args: readonly string[]): string {
    const { size, mtimeMs } = statSync(file);
    const key = `${file} ${size} ${mtimeMs}`;
    const known = this.#known[key];
    if (known !== undefined) return known;
    let answer = "";
    try {
      answer = execFileSync(file, args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 20_000,
      });
    } catch {
      // A tool that cannot say its version is no tool for us.
    }
    const version = parseVersion(answer)?.join(".") ?? "";
    this.#known[key] = version;
    writePrivate(this.#file, JSON.stringify(this.#known));
    return version;
  }
}

function findOnPath(
  { name, found }: ToolSpec,
  searchPath: string,
  versions: FoundVersions,
): Tool | undefined {
  if (found === undefined) return undefined;
  for (const dir of searchPath.split(path.delimiter).filter((entry) => path.isAbsolute(entry))) {
    const candidate = path.join(dir, name);
    if (!isExecutable(candidate)) continue;
    const version = versions.version(candidate, found.args);
    const parsed = parseVersion(version);
    if (parsed !== undefined && found.fits(parsed)) return { path: candidate, version, origin: "found" };
  }
  return undefined;
}

async function build(tool: ToolSpec, target: string, logDir: string): Promise<void> {
  const logFile = path.join(logDir, `${tool.name}.log`);
  if (tool.module === "kubernetes-provider") await copyProviderSchema(logFile);
  const partial = `${target}.${randomUUID()}`;
  mkdirSync(path.dirname(target), { recursive: true });
  try {
    await go(tool.module, ["build", "-ldflags", ldflags(tool), "-o", partial, tool.package], logFile);
    renameSync(partial, target); // atomic: nobody ever sees half a tool, and two builders at once both succeed
  } finally {
    rmSync(partial, { force: true });
  }
}

function link(binDir: string, name: string, target: string): void {
  const file = path.join(binDir, name);
  try {
    if (readlinkSync(file) === target) return;
  } catch {
    // Not there yet.
  }
  const fresh = `${file}.${randomUUID()}`;
  symlinkSync(target, fresh);
  renameSync(fresh, file);
}

/**
 * Makes sure that every tool of the sandbox is there: found on PATH in a fitting version, in the cache from an earlier
 * run, or built now from its pinned Go module. A warm call takes milliseconds.
 *
 * @throws ProblemReport when something has to be built and Go or the disk space for it is missing
 */
export async function ensureToolchain(options: ToolchainOptions = {}): Promise<Toolchain> {
  const { cache = cacheDir(), path: searchPath = process.env.PATH ?? "", sink = toStderr } = options;
  const binDir = path.join(cache, "bin");
  const logDir = path.join(cache, "logs");
  for (const dir of [binDir, logDir]) mkdirSync(dir, { recursive: true });

  const versions = new FoundVersions(cache);
  const outside = searchPath
    .split(path.delimiter)
    .filter((entry) => path.resolve(entry) !== path.resolve(binDir))
    .join(path.delimiter);
  const ready = new Map<string, Tool>();
  const missing: { tool: ToolSpec; target: string }[] = [];
  for (const tool of tools as readonly ToolSpec[]) {
    const key = moduleKey(tool.module, tool.package, ldflags(tool));
    const target = path.join(cache, "toolchain", `${tool.name}-${key}`, tool.name);
    const built: Tool = { path: target, version: tool.version, origin: "built" };
    const usable = findOnPath(tool, outside, versions) ?? (isExecutable(target) ? built : undefined);
    ready.set(tool.name, usable ?? built);
    if (usable === undefined) missing.push({ tool, target });
  }

  if (missing.length > 0)
    throwIfAny("the sandbox's tools cannot be built", buildProblems(cache, missing.length));
  for (const [index, { tool, target }] of missing.entries()) {
    await step(
      `building ${tool.name} ${tool.version} (${index + 1}/${missing.length})`,
      () => build(tool, target, logDir),
      sink,
    );
  }
  for (const [name, tool] of ready) link(binDir, name, tool.path);
  return { binDir, tools: Object.fromEntries(ready) as Record<ToolName, Tool> };
}
