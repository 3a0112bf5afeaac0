import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { repoRoot } from "../../../sandbox/paths";
import { moduleKey } from "../../../sandbox/toolchain/goModule";
import { buildProblems, requiredGo } from "../../../sandbox/toolchain/preflight";
import { ensureToolchain } from "../../../sandbox/toolchain/toolchain";
import { tools } from "../../../sandbox/toolchain/tools";
import { ProblemReport, formatProblem } from "../../../components/problems";
import { fillCheckout, workingGo, type FakeCheckout } from "./fakeCheckout";

jest.mock("../../../sandbox/paths", () => {
  const { mkdtempSync } = jest.requireActual<{ mkdtempSync: (prefix: string) => string }>("node:fs");
  const { tmpdir } = jest.requireActual<{ tmpdir: () => string }>("node:os");
  const root = mkdtempSync(`${tmpdir()}/toolchain-`);
  return { repoRoot: root, cacheDir: () => `${root}/cache` };
});

const realPath = process.env.PATH;
const quiet = (): void => undefined;
let checkout: FakeCheckout;

beforeEach(() => {
  checkout = fillCheckout(repoRoot);
  process.env.PATH = `${checkout.commands}:/usr/bin:/bin`;
});

afterEach(() => {
  process.env.PATH = realPath;
  for (const entry of readdirSync(checkout.root))
    rmSync(path.join(checkout.root, entry), { recursive: true });
});

afterAll(() => {
  checkout.remove();
});

const ensure = (searchPath = "", sink: (line: string) => void = quiet) =>
  ensureToolchain({ cache: checkout.cache, path: searchPath, sink });

async function failure(run: Promise<unknown>): Promise<Error> {
  try {
    await run;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

describe("moduleKey", () => {
  test("is stable, and moves with the files and the flags but not with the copied schema", () => {
    const key = moduleKey("helm", "package", "flags");
    expect(key).toMatch(/^[0-9a-f]{16}$/);
    expect(moduleKey("helm", "package", "flags")).toBe(key);
    expect(moduleKey("helm", "package", "other flags")).not.toBe(key);
    writeFileSync(path.join(checkout.goDir, "helm", "schema.json"), "{}");
    expect(moduleKey("helm", "package", "flags")).toBe(key);
    writeFileSync(path.join(checkout.goDir, "helm", "go.sum"), "example v1.0.0 h1:x\n");
    expect(moduleKey("helm", "package", "flags")).not.toBe(key);
  });
});

describe("preflight", () => {
  const fix = "Install Go 1.27.1 or newer (https://go.dev/doc/install).";
  const messages = (): string[] => buildProblems(checkout.cache, 1, "1.27.1", () => 100).map(formatProblem);

  test("the newest go directive decides", () => {
    writeFileSync(path.join(checkout.goDir, "kwok", "go.mod"), "module example/kwok\n\ngo 1.27.1\n");
    expect(requiredGo(checkout.goDir)).toBe("1.27.1");
  });

  test("no Go on PATH", () => {
    process.env.PATH = path.join(checkout.root, "nowhere");
    expect(messages()).toEqual([`go: is not on PATH; expected Go 1.27.1 or newer. ${fix}`]);
  });

  test("a Go that is too old", () => {
    expect(messages()).toEqual([`go: is too old (got "1.26.8"); expected 1.27.1 or newer. ${fix}`]);
  });

  test("a Go that is new enough", () => {
    expect(buildProblems(checkout.cache, 1, "1.26.8", () => 100)).toEqual([]);
  });

  test("too little disk space for the tools that are missing", () => {
    checkout.command("go", "echo go1.26.8");
    expect(buildProblems(checkout.cache, 9, "1.26.8", () => 3.21).map(formatProblem)).toEqual([
      `${checkout.cache}: there is too little disk space to build the tools (got "3.2 GiB free"); expected 15 GiB free. Free some space, or name another place in SOPHIA_CACHE_DIR and GOCACHE.`,
    ]);
  });
});

describe("ensureToolchain", () => {
  test("builds every tool once, counts them, and starts no process when warm", async () => {
    const lines: string[] = [];
    const { binDir, tools: made } = await ensure("", (line) => lines.push(line));
    expect(Object.keys(made)).toEqual(tools.map(({ name }) => name));
    expect(lines.filter((line) => line.startsWith("  "))).toEqual(
      tools.map(({ name, version }, i) => `  building ${name} ${version} (${i + 1}/${tools.length}) …`),
    );
    for (const [name, tool] of Object.entries(made)) {
      expect(tool.origin).toBe("built");
      expect(readlinkSync(path.join(binDir, name))).toBe(tool.path);
    }
    const calls = checkout.calls().length;
    const again = await ensure();
    expect(again.tools).toEqual(made);
    expect(checkout.calls()).toHaveLength(calls);
  });

  test("a fitting tool on PATH is used and asked for its version only once", async () => {
    const found = path.join(checkout.root, "found");
    mkdirSync(found);
    const asked = path.join(checkout.root, "asked");
    checkout.command("../found/kubectl", `echo asked >> "${asked}"; echo "Client Version: v1.35.2"`);
    checkout.command("../found/helm", "echo v4.3.1");
    const first = await ensure(found);
    expect(first.tools.kubectl).toEqual({
      path: path.join(found, "kubectl"),
      version: "1.35.2",
      origin: "found",
    });
    expect(first.tools.helm.origin).toBe("built");
    await ensure(found);
    expect(readFileSync(asked, "utf8")).toBe("asked\n");
  });

  test("nothing to build with: one report in the house shape", async () => {
    process.env.PATH = path.join(checkout.root, "nowhere");
    const error = await failure(ensure());
    expect(error).toBeInstanceOf(ProblemReport);
    expect(error.message).toBe(
      "the sandbox's tools cannot be built: 1 problem\n" +
        "  - go: is not on PATH; expected Go 1.26.0 or newer. Install Go 1.26.0 or newer (https://go.dev/doc/install).",
    );
  });

  test("a failed build leaves no half tool, shows its last lines and log, and the next run goes on", async () => {
    const broken = `echo "$@" >> "${checkout.root}/calls"; [ "$1" = env ] && echo go1.26.8 && exit
      while [ "$1" != -o ]; do shift; done; printf half > "$2"; echo "cannot compile" >&2; exit 1`;
    checkout.command("go", broken);
    const error = await failure(ensure());
    const log = path.join(checkout.cache, "logs", "pulumi.log");
    expect(error.message).toBe(
      `sandbox/toolchain/go/pulumi: go build failed with exit code 1. The whole output is in ${log}.\ncannot compile`,
    );
    const [folder = ""] = readdirSync(path.join(checkout.cache, "toolchain"));
    expect(readdirSync(path.join(checkout.cache, "toolchain", folder))).toEqual([]);
    checkout.command("go", workingGo(checkout.root));
    const { tools: made } = await ensure();
    expect(Object.values(made).every((tool) => existsSync(tool.path))).toBe(true);
  });

  test("another builder that finishes first does no harm", async () => {
    const finished = `#!/bin/sh\necho "$@" >> "${checkout.root}/calls"; [ "$1" = env ] && echo go1.26.8 && exit
      [ "$1" = mod ] && echo '{"Dir": "${checkout.root}/module"}' && exit
      while [ "$1" != -o ]; do shift; done
      for file in "$2" "\${2%.*}"; do printf '#!/bin/sh\\n' > "$file"; chmod +x "$file"; done`;
    checkout.command("go", finished);
    const { tools: made } = await ensure();
    for (const [name, tool] of Object.entries(made)) {
      expect(readdirSync(path.dirname(tool.path))).toEqual([name]);
    }
  });

  test("a full disk is named", async () => {
    checkout.command(
      "go",
      `[ "$1" = env ] && echo go1.26.8 && exit; echo "write x: no space left on device" >&2; exit 1`,
    );
    expect((await failure(ensure())).message).toBe(
      "sandbox/toolchain/go/pulumi: go build failed with exit code 1. The disk is full: free some space, or name another place in SOPHIA_CACHE_DIR and GOCACHE.\nwrite x: no space left on device",
    );
  });

  test("a module proxy out of reach is named", async () => {
    checkout.command(
      "go",
      `[ "$1" = env ] && echo go1.26.8 && exit; echo "dial tcp: lookup proxy: no such host" >&2; exit 1`,
    );
    expect((await failure(ensure())).message).toBe(
      "sandbox/toolchain/go/pulumi: go build failed with exit code 1. The Go module proxy cannot be reached: check the network and GOPROXY.\ndial tcp: lookup proxy: no such host",
    );
  });
});
