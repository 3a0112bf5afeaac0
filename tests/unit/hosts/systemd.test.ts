import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskLayout, layout, writeOnDisk } from "../../../sandbox/hosts/disk";
import {
  parseEnvironment,
  parseSystemctl,
  parseUnit,
  type ServiceRunner,
  Systemd,
} from "../../../sandbox/hosts/systemd";

const UNIT = "[Service]\nType=notify\nExecStart=/usr/local/bin/k3s server\n";

let dir: string;
let disk: DiskLayout;
let events: string[];

const runner = (fails = false): ServiceRunner => ({
  start: (unit) => {
    events.push(`start ${unit}`);
    return fails ? Promise.reject(new Error("--server is required")) : Promise.resolve();
  },
  stop: (unit) => {
    events.push(`stop ${unit}`);
    return Promise.resolve();
  },
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "systemd-"));
  disk = layout(dir, "host");
  events = [];
  writeOnDisk(disk, "/etc/systemd/system/k3s.service", UNIT);
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test("arguments of systemctl", () => {
  expect(parseSystemctl(["enable", "--now", "k3s", "a.timer"])).toEqual({
    verb: "enable",
    units: ["k3s.service", "a.timer"],
    now: true,
    quiet: false,
    noBlock: false,
  });
});

test("a unit file with continued lines, quotes and environment", () => {
  const content = [
    "[Service]",
    "Type=exec",
    "EnvironmentFile=-/etc/systemd/system/k3s.service.env",
    'Environment="A=one two" B=3',
    "ExecStart=/usr/local/bin/k3s \\",
    "    agent '--node-label' 'a=b'",
  ].join("\n");
  expect(parseUnit(content)).toEqual({
    execStart: ["/usr/local/bin/k3s", "agent", "--node-label", "a=b"],
    notifies: false,
    environment: { A: "one two", B: "3" },
    environmentFiles: ["-/etc/systemd/system/k3s.service.env"],
  });
  expect(parseEnvironment("# no\nK3S_TOKEN='a=b'\n\nnonsense")).toEqual({ K3S_TOKEN: "a=b" });
});

test("enable --now starts a unit, restart stops it first, stop ends it", async () => {
  const systemd = new Systemd(disk, runner());
  expect(await systemd.systemctl(["enable", "--now", "k3s"])).toMatchObject({ code: 0 });
  expect(await systemd.systemctl(["is-active", "k3s"])).toMatchObject({ code: 0, stdout: "active" });
  expect(await systemd.systemctl(["is-enabled", "k3s"])).toMatchObject({ code: 0, stdout: "enabled" });
  await systemd.systemctl(["restart", "k3s"]);
  await systemd.systemctl(["stop", "k3s"]);
  expect(await systemd.systemctl(["is-active", "--quiet", "k3s"])).toMatchObject({ code: 3, stdout: "" });
  expect(events).toEqual(["start k3s.service", "stop k3s.service", "start k3s.service", "stop k3s.service"]);
});

test("a service that ends says why in its status and journal", async () => {
  const systemd = new Systemd(disk, runner(true));
  expect(await systemd.systemctl(["start", "k3s"])).toMatchObject({
    code: 1,
    stderr: [
      "Job for k3s.service failed because the control process exited with error code.",
      'See "systemctl status k3s.service" and "journalctl -xeu k3s.service" for details.',
    ].join("\n"),
  });
  const status = await systemd.systemctl(["status", "k3s"]);
  expect(status).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("--server is required") as string,
  });
  expect(systemd.journal("k3s.service", 1)[0]).toMatch(
    /k3s.service: level=fatal msg="--server is required"$/,
  );
});

test.each([
  [["start", "other"], { code: 5, stderr: "Unit other.service could not be found." }],
  [["status", "other"], { code: 4, stderr: "Unit other.service could not be found." }],
  [["frobnicate", "k3s"], { code: 1, stderr: "Unknown command verb frobnicate." }],
  [["start"], { code: 1, stderr: "Too few arguments." }],
  [["daemon-reload"], { code: 0 }],
  [["is-active", "ssh"], { code: 0, stdout: "active" }],
])("systemctl %j", async (args, expected) => {
  expect(await new Systemd(disk, runner()).systemctl(args)).toMatchObject(expected);
});

test("what ran comes back after a shutdown, what was stopped does not", async () => {
  writeOnDisk(disk, "/etc/systemd/system/other.service", UNIT);
  const before = new Systemd(disk, runner());
  await before.systemctl(["enable", "--now", "k3s", "other"]);
  await before.systemctl(["stop", "other"]);
  await before.shutdown();
  events = [];
  const after = new Systemd(disk, runner());
  after.restore();
  expect(events).toEqual(["start k3s.service"]);
  await after.shutdown();
});
