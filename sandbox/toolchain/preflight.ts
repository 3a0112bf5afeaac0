import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import * as path from "node:path";
import type { Problem } from "../../components/problems";
import { goDir } from "./goModule";
import { parseVersion, type Version } from "./tools";

/** What a cold build writes: module cache, build cache and the tools. */
const COLD_BUILD_BYTES = 6 * 1024 ** 3;

/** The newest Go that a go.mod below go/ asks for. */
export function requiredGo(dir = goDir): string {
  const versions = readdirSync(dir).flatMap((module) => {
    const match = /^go (\S+)/m.exec(readFileSync(path.join(dir, module, "go.mod"), "utf8"));
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return versions.reduce(
    (newest, version) => (isOlder(parts(newest), parts(version)) ? version : newest),
    "1.0.0",
  );
}

const parts = (version: string): Version =>
  parseVersion(version) ?? parseVersion(`${version}.0`) ?? [0, 0, 0];

function isOlder(a: Version, b: Version): boolean {
  const difference = a.map((n, i) => n - (b[i] ?? 0)).find((n) => n !== 0);
  return difference !== undefined && difference < 0;
}

/** What stands in the way of a build: no Go, a Go that is too old, no disk space. */
export function buildProblems(cache: string, required = requiredGo()): Problem[] {
  const fix = `Install Go ${required} or newer (https://go.dev/doc/install)`;
  const asked = spawnSync("go", ["env", "GOVERSION"], {
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  });
  const problems: Problem[] = [];
  if (asked.error !== undefined) {
    problems.push({ path: "go", what: "is not on PATH", expected: `Go ${required} or newer`, fix });
  } else {
    const found = asked.stdout.trim().replace(/^go/, "");
    if (isOlder(parts(found), parts(required))) {
      problems.push({ path: "go", what: "is too old", got: found, expected: `${required} or newer`, fix });
    }
  }
  mkdirSync(cache, { recursive: true });
  const { bavail, bsize } = statfsSync(cache);
  if (bavail * bsize < COLD_BUILD_BYTES) {
    const free = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free`;
    problems.push({
      path: cache,
      what: "there is too little disk space to build the tools",
      got: free,
      expected: "6 GiB free",
      fix: "Free some space, or name another place in SOPHIA_CACHE_DIR",
    });
  }
  return problems;
}
