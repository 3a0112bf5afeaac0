/** The door into bin/, in a checkout of its own with a pretended compiler: when it compiles, and what it says. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { repoRoot } from "../../../sandbox/paths";

/** Copies index.ts as if it were compiled, notes that it ran, and fails when the source is broken. */
const COMPILER = `
const fs = require("node:fs");
const source = fs.readFileSync("index.ts", "utf8");
fs.appendFileSync("runs", process.argv.slice(3).join(" ") + "\\n");
fs.mkdirSync("bin", { recursive: true });
fs.writeFileSync("bin/index.js", source);
fs.writeFileSync("bin/.tsbuildinfo", "{}");
if (source.includes("BROKEN")) { console.log("index.ts(1,1): error TS1005: ';' expected."); process.exitCode = 2; }
`;

const HOUR_AGO = new Date(Date.now() - 3_600_000);
const FILES = {
  "index.ts": "module.exports = 'first';",
  "tsconfig.json": "{}",
  "package-lock.json": "{}",
  "stacks/config.ts": "",
  "sandbox/toolchain/go/main.go": "",
  "node_modules/typescript/lib/tsc.js": COMPILER,
};

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "sophia-compiled-"));
  for (const [file, text] of Object.entries(FILES)) put(file, text);
  mkdirSync(path.join(root, "components"));
  copyFileSync(path.join(repoRoot, "components/compiled.cjs"), path.join(root, "components/compiled.cjs"));
  for (const entry of readdirSync(root, { recursive: true, encoding: "utf8" }))
    utimesSync(path.join(root, entry), HOUR_AGO, HOUR_AGO);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

/** As if written in a moment: well after whatever has been compiled so far. */
function edit(file: string, text: string): void {
  put(file, text);
  const soon = new Date(Date.now() + 60_000);
  utimesSync(path.join(root, file), soon, soon);
}

function node(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { status, said: `${stdout}${stderr}` };
}
const compile = () => node("components/compiled.cjs");
const runs = (): number =>
  existsSync(path.join(root, "runs"))
    ? readFileSync(path.join(root, "runs"), "utf8").split("\n").length - 1
    : 0;

test("compiles what is not compiled, once", () => {
  expect(compile()).toEqual({ status: 0, said: "" });
  expect(compile()).toEqual({ status: 0, said: "" });
  expect(runs()).toBe(1);
});

test("loads a module, as it is in the source now", () => {
  const load = ["-p", "require('./components/compiled.cjs').load('index.js')"];
  expect(node(...load)).toEqual({ status: 0, said: "first\n" });
  edit("index.ts", "module.exports = 'second';");
  expect(node(...load)).toEqual({ status: 0, said: "second\n" });
});

test.each(["index.ts", "package-lock.json", "stacks/deep/new.ts"])("a newer %s is compiled", (file) => {
  compile();
  edit(file, "{}");
  compile();
  expect(runs()).toBe(2);
});

test.each(["sandbox/toolchain/go/main.go", "README.md"])("a newer %s is no reason to compile", (file) => {
  compile();
  edit(file, "");
  compile();
  expect(runs()).toBe(1);
});

test("what was compiled from a source that is gone goes too", () => {
  compile();
  put("bin/stacks/config.js", "");
  put("bin/stacks/gone.js", "");
  put("bin/stacks/gone.js.map", "");
  edit("index.ts", "");
  compile();
  expect(readdirSync(path.join(root, "bin/stacks"))).toEqual(["config.js"]);
});

test("a source that goes is a change", () => {
  compile();
  const stamp = path.join(root, "bin/.tsbuildinfo");
  utimesSync(stamp, HOUR_AGO, HOUR_AGO);
  rmSync(path.join(root, "stacks/config.ts"));
  compile();
  expect(runs()).toBe(2);
});

test("a mistake is shown as the compiler says it, every time until it is mended", () => {
  edit("index.ts", "BROKEN");
  const failure = {
    status: 1,
    said: "bin/: the program does not compile. Mend this, then run the command again:\nindex.ts(1,1): error TS1005: ';' expected.\n\n",
  };
  expect(compile()).toEqual(failure);
  expect(compile()).toEqual(failure);
  put("index.ts", "");
  expect(compile()).toEqual({ status: 0, said: "" });
});

test("without a compiler it says how to get one", () => {
  rmSync(path.join(root, "node_modules"), { recursive: true });
  expect(compile()).toEqual({
    status: 1,
    said: "bin/: the compiled program is missing or older than its sources. Run `npm install && npm run build`.\n",
  });
});

test("an edit made while the compiler runs is not taken for compiled", () => {
  edit("node_modules/typescript/lib/tsc.js", `${COMPILER}\nfs.writeFileSync("stacks/config.ts", "edited");`);
  compile();
  compile();
  expect(runs()).toBe(2);
});
