import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { throwIfAny, type Problem } from "../components/problems";
import { isExecutable } from "./files";

/** Programs that the sandbox runs as they are, and the Debian package each comes in. */
const PROGRAMS = {
  bash: "bash",
  curl: "curl",
  openssl: "openssl",
  setpriv: "util-linux",
  unshare: "util-linux",
} as const;

const OLDEST_NODE = 22;

const onPath = (program: string): boolean =>
  (process.env.PATH ?? "").split(path.delimiter).some((dir) => isExecutable(path.join(dir, program)));

/** What this machine lacks. */
export function machineProblems(
  has = onPath,
  nodeVersion = process.versions.node,
  platform: string = process.platform,
): Problem[] {
  const problems: Problem[] = [];
  if (platform !== "linux") {
    problems.push({
      path: "machine",
      what: "the sandbox needs Linux",
      got: platform,
      expected: '"linux"',
      fix: "Run it in a Linux virtual machine",
    });
  }
  if (Number(nodeVersion.split(".")[0]) < OLDEST_NODE) {
    problems.push({
      path: "node",
      what: "is too old to run Pulumi's SDK",
      got: nodeVersion,
      expected: `${OLDEST_NODE} or newer`,
      fix: "Run it through make, which uses the Node that npm installs",
    });
  }
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!has(program)) {
      problems.push({
        path: program,
        what: "is not on PATH",
        fix: `Install it: sudo apt-get install ${debianPackage}`,
      });
    }
  }
  return problems;
}

/** Installs what is missing where it can be done without asking, and reports what is still missing. */
export function checkMachine(): void {
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => !onPath(program))
    .map(([, name]) => name);
  if (missing.length > 0 && process.getuid?.() === 0 && onPath("apt-get")) {
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    spawnSync("apt-get", ["install", "-y", "-qq", ...missing], {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  }
  throwIfAny("this machine cannot run the sandbox", machineProblems());
}
