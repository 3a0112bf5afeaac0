import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  link,
  mkdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { formatProblem } from "../../components/problems";
import { isExecutable } from "../files";

/** Where the stand-ins go and what they run on. All paths are absolute. */
export interface StandInOptions {
  /** Folder for executables; put it first on PATH. Made if missing. */
  readonly dir: string;
  /** The checkout, compiled: stand-ins run from its `bin/`, versions come from its `node_modules/`. */
  readonly repoRoot: string;
  /** The Node that runs the stand-ins. */
  readonly node: string;
  /**
   * The sandbox's own PULUMI_HOME, which gets the provider plugins. Never the user's: the stock CLI would then use
   * stand-ins for real stacks.
   */
  readonly pulumiHome: string;
  /**
   * The Pulumi CLI. It is linked into `dir`, because the CLI takes a language host that lies beside it as part of its
   * own installation; on PATH alone every run would warn. @default only what lies on PATH is used, with that warning
   */
  readonly pulumiPath?: string;
  /** The PULUMI_HOME where official plugins may be installed. @default ~/.pulumi */
  readonly officialHome?: string;
}

/** A provider plugin that is a file on this machine. */
export interface ProviderBinary {
  /** The sandbox's own PULUMI_HOME. */
  readonly pulumiHome: string;
  /** The package's name, such as `kubernetes`. */
  readonly name: string;
  /** The version of the npm package that asks for the plugin; the CLI looks for exactly this one. */
  readonly version: string;
  /** The executable. */
  readonly path: string;
}

/** Stand-ins for providers: the npm package that sets the version, and the compiled entry point. */
const PROVIDERS = [
  { name: "random", main: "random" },
  { name: "command", main: "command" },
  { name: "docker-build", main: "dockerBuild" },
] as const;

/** Plugins that the stock CLI brings along, by the compiled file (from the checkout) that stands in for each. */
const BUNDLED = {
  "pulumi-language-nodejs": "bin/sandbox/plugins/languageHost/main.js",
  "pulumi-resource-pulumi-nodejs": "node_modules/@pulumi/pulumi/cmd/dynamic-provider/index.js",
} as const;

const exists = (file: string): Promise<boolean> =>
  access(file, constants.F_OK).then(
    () => true,
    () => false,
  );

/** Makes a file appear whole, so that a CLI that runs at the same time sees the old one or the new one. */
async function replace(file: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  await make(temporary);
  await rename(temporary, file);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Writes a script that runs a compiled file on the given Node. */
async function writeLauncher(file: string, node: string, script: string): Promise<void> {
  if (!(await exists(script))) {
    throw new Error(
      formatProblem({
        path: script,
        what: "has not been compiled",
        fix: 'Run "npm install" and "npm run build"',
      }),
    );
  }
  const text = `#!/bin/sh\nexec ${quote(node)} ${quote(script)} "$@"\n`;
  if ((await exists(file)) && (await readFile(file, "utf8").catch(() => "")) === text) return;
  await replace(file, async (temporary) => {
    await writeFile(temporary, text);
    await chmod(temporary, 0o755);
  });
}

/** Makes `file` another name of the executable `target`. */
async function linkFile(file: string, target: string): Promise<void> {
  await replace(file, (temporary) => symlink(target, temporary));
}

/** Makes `file` the same file as `target`, or a copy of it where they lie on different file systems. */
async function shareFile(file: string, target: string): Promise<void> {
  const [have, want] = await Promise.all([stat(file).catch(() => undefined), stat(target)]);
  // A copy keeps its size only; a toolchain that changes gets a new folder, hence a new size or inode in practice.
  if (
    have?.ino === want.ino ||
    (have !== undefined && have.size === want.size && have.mtimeMs >= want.mtimeMs)
  )
    return;
  await replace(file, (temporary) =>
    link(target, temporary).catch(() => copyFile(target, temporary, constants.COPYFILE_FICLONE)),
  );
}

const manifestSchema = z.object({ version: z.string() });

/** The version of an installed npm package. */
async function packageVersion(repoRoot: string, name: string): Promise<string> {
  const file = path.join(repoRoot, "node_modules", "@pulumi", name, "package.json");
  return manifestSchema.parse(JSON.parse(await readFile(file, "utf8"))).version;
}

const pluginFolder = (home: string, name: string, version: string): string =>
  path.join(home, "plugins", `resource-${name}-v${version}`);

/**
 * Puts an executable where the CLI looks for an installed plugin, so that it is found without PATH and without a
 * warning.
 */
export async function installProviderBinary(binary: ProviderBinary): Promise<void> {
  const folder = pluginFolder(binary.pulumiHome, binary.name, binary.version);
  await mkdir(folder, { recursive: true });
  await linkFile(path.join(folder, `pulumi-resource-${binary.name}`), binary.path);
}

async function installProvider(options: StandInOptions, name: string, main: string): Promise<void> {
  const { pulumiHome, repoRoot, node } = options;
  const officialHome = options.officialHome ?? path.join(homedir(), ".pulumi");
  const version = await packageVersion(repoRoot, name);
  const official = path.join(pluginFolder(officialHome, name, version), `pulumi-resource-${name}`);
  if (path.resolve(officialHome) !== path.resolve(pulumiHome) && isExecutable(official)) {
    await installProviderBinary({ pulumiHome, name, version, path: official });
    return;
  }
  const folder = pluginFolder(pulumiHome, name, version);
  await mkdir(folder, { recursive: true });
  const script = path.join(repoRoot, "bin", "sandbox", "plugins", main, "main.js");
  await writeLauncher(path.join(folder, `pulumi-resource-${name}`), node, script);
}

/** Puts the CLI and what the stock CLI brings along into `dir`. */
async function installBundled({ dir, repoRoot, node, pulumiPath }: StandInOptions): Promise<void> {
  const pulumi = pulumiPath === undefined ? undefined : await realpath(pulumiPath);
  const official = pulumi === undefined ? undefined : path.dirname(pulumi);
  const complete =
    official !== undefined && Object.keys(BUNDLED).every((name) => isExecutable(path.join(official, name)));
  if (pulumi !== undefined && complete) {
    await Promise.all(Object.keys(BUNDLED).map((name) => rm(path.join(dir, name), { force: true })));
    await linkFile(path.join(dir, "pulumi"), pulumi);
    return;
  }
  await Promise.all(
    Object.entries(BUNDLED).map(([name, script]) =>
      writeLauncher(path.join(dir, name), node, path.join(repoRoot, script)),
    ),
  );
  if (pulumi !== undefined) await shareFile(path.join(dir, "pulumi"), pulumi);
}

/**
 * Makes the Node language host and the providers random, command and docker-build available to the Pulumi CLI, each
 * only where the official one isn't. Safe to repeat; takes some milliseconds.
 *
 * @returns the real path of `dir`, to be put first on PATH
 * @throws if the checkout has not been installed or compiled
 */
export async function installStandIns(options: StandInOptions): Promise<string> {
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  await Promise.all([
    installBundled({ ...options, dir }),
    // Launchers of the SDK and npm scripts call `node`.
    linkFile(path.join(dir, "node"), options.node),
    ...PROVIDERS.map(({ name, main }) => installProvider(options, name, main)),
  ]);
  return dir;
}
