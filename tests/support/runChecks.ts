/** `make test`: every check and every test, one after the other. The last line counts them: `N passed, N failed`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { repoRoot } from "../../sandbox/paths";
import { formatElapsed } from "../../sandbox/progress";

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const bin = (name: string): string => path.join(repoRoot, "node_modules", ".bin", name);

function run(title: string, command: string, args: readonly string[]): boolean {
  const started = Date.now();
  console.log(`\n── ${title}`);
  const { status } = spawnSync(bin(command), args, {
    cwd: repoRoot,
    stdio: ["ignore", "inherit", "inherit"],
  });
  console.log(`${status === 0 ? "✓" : "✗"} ${title} (${formatElapsed(Date.now() - started)})`);
  return status === 0;
}

function check(title: string, command: string, ...args: readonly string[]): Count {
  const ok = run(title, command, args);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

/** Runs one jest project; a suite that cannot even start counts as a failure. */
function tests(project: string, ...args: readonly string[]): Count {
  const work = mkdtempSync(path.join(tmpdir(), "sophia-tests-"));
  try {
    const report = path.join(work, "report.json");
    const ok = run(`${project} tests`, "jest", [
      "--selectProjects",
      project,
      "--json",
      "--outputFile",
      report,
      ...args,
    ]);
    const {
      numPassedTests: passed,
      numFailedTests,
      numRuntimeErrorTestSuites,
    } = JSON.parse(readFileSync(report, "utf8")) as Record<
      "numPassedTests" | "numFailedTests" | "numRuntimeErrorTestSuites",
      number
    >;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    return { passed, failed: ok ? failed : Math.max(failed, 1) };
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const counts = [
  check("format", "prettier", "--check", "--log-level", "warn", "."),
  check("lint", "eslint", "."),
  check("types", "tsc", "-p", "tests/tsconfig.json"),
  tests("unit"),
  check("tools", "node", "bin/sandbox/cli.js", "setup"),
  tests("sandbox", "--runInBand"),
];
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`\n${passed} passed, ${failed} failed`);
