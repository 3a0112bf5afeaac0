"use strict";
/**
 * The program runs compiled (docs/architecture.md): this is the one door into bin/, used by the program's entry and
 * by the dynamic providers. Whoever comes through it first after an edit compiles, so that a `pulumi up` typed by
 * hand never runs stale code and never needs a build command first. Plain CommonJS, because it runs before anything
 * is compiled.
 */
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const ROOT = path.dirname(__dirname);
const BIN = path.join(ROOT, "bin");
const STAMP = path.join(BIN, ".tsbuildinfo");
const SOURCES = [
  "index.ts",
  "tsconfig.json",
  "package-lock.json",
  "stacks",
  "components",
  "policies",
  "sandbox",
  "tests",
];

/** When an entry, or anything in it, was changed last; a folder changes when a file in it comes or goes. */
function newest(entry) {
  const stat = fs.statSync(entry, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return fs
    .readdirSync(entry)
    .filter((name) => name !== "go" && !name.startsWith("."))
    .reduce((latest, name) => Math.max(latest, newest(path.join(entry, name))), stat.mtimeMs);
}

function isFresh() {
  const compiled = fs.statSync(STAMP, { throwIfNoEntry: false });
  return compiled !== undefined && SOURCES.every((name) => newest(path.join(ROOT, name)) <= compiled.mtimeMs);
}

/** Removes what was compiled from a source that is gone: Node would still find it, and before a folder of that name. */
function prune(folder = BIN) {
  for (const entry of fs.existsSync(folder) ? fs.readdirSync(folder, { withFileTypes: true }) : []) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) prune(file);
    else if (/\.js(\.map)?$/.test(file)) {
      const source = path.join(ROOT, path.relative(BIN, file)).replace(/\.js(\.map)?$/, ".ts");
      if (!fs.existsSync(source)) fs.rmSync(file);
    }
  }
}

/** Compiles the checkout into bin/ unless bin/ is up to date. Throws when the sources do not compile. */
function ensureCompiled() {
  if (isFresh()) return;
  const started = new Date();
  prune();
  let compiler;
  try {
    compiler = require.resolve("typescript/lib/tsc.js", { paths: [ROOT] });
  } catch {
    throw new Error(
      "bin/: the compiled program is missing or older than its sources. Run `npm install && npm run build`.",
    );
  }
  const tsc = spawnSync(process.execPath, [compiler, "-p", ROOT, "--pretty", "false"], { encoding: "utf8" });
  if (tsc.status !== 0) {
    fs.rmSync(STAMP, { force: true });
    throw new Error(
      `bin/: the program does not compile. Mend this, then run the command again:\n${tsc.stdout}${tsc.stderr}`,
    );
  }
  fs.utimesSync(STAMP, started, started);
}

/** Loads a module by its path below bin/, compiling first where needed. */
function load(modulePath) {
  ensureCompiled();
  return require(path.join(BIN, modulePath));
}

module.exports = { ensureCompiled, load };

if (require.main === module) {
  try {
    ensureCompiled();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
