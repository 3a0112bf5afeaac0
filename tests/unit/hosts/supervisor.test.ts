import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStillRunning, readRecord, readStartTime, writeRecord } from "../../../sandbox/processes/identity";
import { stopStale, Supervisor } from "../../../sandbox/processes/supervisor";
import { waitFor } from "../../../sandbox/processes/waitFor";

let dir: string;
let supervisor: Supervisor;
let logFile: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "supervisor-"));
  logFile = join(dir, "log");
  supervisor = new Supervisor(join(dir, "run"), 200);
});

afterEach(async () => {
  await supervisor.stopAll();
  rmSync(dir, { recursive: true, force: true });
});

const pidFile = (name: string): string => join(dir, "run", `${name}.pid`);

async function running(name: string, notPid?: number): Promise<number> {
  await waitFor(name, () => supervisor.pid(name) !== undefined && supervisor.pid(name) !== notPid, {
    deadlineMs: 10_000,
  });
  return supervisor.pid(name) ?? Number.NaN;
}

test("a process that dies is started again, and recorded", async () => {
  supervisor.start({ name: "sleep", command: "/bin/sleep", args: ["60"], logFile });
  const first = await running("sleep");
  process.kill(first, "SIGKILL");
  const again = await running("sleep", first);
  expect(readRecord(pidFile("sleep"))).toMatchObject({ pid: again, command: "/bin/sleep" });
});

test("stop ends a process that won't listen, and its record", async () => {
  const args = ["-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"];
  supervisor.start({ name: "deaf", command: "/bin/bash", args, logFile });
  const pid = await running("deaf");
  await waitFor("trap", () => existsSync(logFile), { deadlineMs: 5_000 });
  await supervisor.stop("deaf");
  expect(readStartTime(pid)).toBeUndefined(); // a zombie, not yet reaped, has ended too
  expect(existsSync(pidFile("deaf"))).toBe(false);
});

test("a program that doesn't exist is tried again until it is stopped", async () => {
  supervisor.start({ name: "none", command: join(dir, "none"), args: [], logFile });
  await supervisor.stop("none");
  expect(supervisor.pid("none")).toBeUndefined();
});

describe("what a crashed run left", () => {
  let child: ChildProcess;

  beforeEach(() => {
    child = spawn("/bin/sleep", ["60"], { detached: true, stdio: "ignore" });
  });

  afterEach(() => {
    child.kill("SIGKILL");
  });

  test("is ended", async () => {
    const record = writeRecord(pidFile("old"), child.pid ?? Number.NaN);
    expect(await stopStale(join(dir, "run"))).toEqual(["old"]);
    expect(record !== undefined && isStillRunning(record)).toBe(false);
    expect(existsSync(pidFile("old"))).toBe(false);
  });

  test.each([{ startTime: "1" }, { command: "/bin/other" }])(
    "is left alone if its id was reused: %j",
    async (other) => {
      const record = writeRecord(pidFile("old"), child.pid ?? Number.NaN);
      writeFileSync(pidFile("old"), JSON.stringify({ ...record, ...other }));
      expect(await stopStale(join(dir, "run"))).toEqual([]);
      expect(record !== undefined && isStillRunning(record)).toBe(true);
      expect(existsSync(pidFile("old"))).toBe(false);
    },
  );

  test("doesn't matter if its record was cut short", async () => {
    writeFileSync(pidFile("old"), '{"pid": 1');
    expect(await stopStale(join(dir, "run"))).toEqual([]);
  });
});

test("waitFor reports the last failure and the log's last lines", async () => {
  writeFileSync(logFile, "one\ntwo\n");
  const failing = waitFor("etcd", () => Promise.reject(new Error("refused")), { deadlineMs: 0, logFile });
  await expect(failing).rejects.toThrow(
    [
      "etcd: 3 problems",
      `  - etcd: not ready after 0 s: refused. Look at ${logFile}.`,
      "  - log: one.",
      "  - log: two.",
    ].join("\n"),
  );
});
