import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import * as path from "node:path";
import type { Problem } from "../../components/problems";
import { goDir } from "./goModule";
import { parseVersion, type Version } from "./tools";

const GIB = 1024 ** 3;

/** What a cold build writes for each tool on average: Go's module and build caches, and the tool. */
const GIB_A_TOOL = 1.6;

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

const freeGib = (dir: string): number => {
  const { bavail, bsize } = statfsSync(dir);
  return (bavail * bsize) / GIB;
};

/** What stands in the way of building so many tools: no Go, a Go that is too old, no disk space. */
export function buildProblems(
  cache: string,
  toolCount: number,
  required = requiredGo(),
  free = freeGib,
): Problem[] {
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
  const needed = Math.ceil(GIB_A_TOOL * toolCount);
  if (free(cache) < needed) {
    problems.push({
      path: cache,
      what: "there is too little disk space to build the tools",
      got: `${free(cache).toFixed(1)} GiB free`,
      expected: `${needed} GiB free`,
      fix: "Free some space, or name another place in SOPHIA_CACHE_DIR and GOCACHE",
    });
  }
  return problems;
}
