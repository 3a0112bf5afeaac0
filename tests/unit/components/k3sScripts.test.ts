/** The bootstrap as text, and as what it does: it runs here on a pretended machine, a folder and a few commands. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { agentScript, serverScript, type K3sRelease } from "../../../components/cluster/k3sScripts";

const release: K3sRelease = { version: "v1.36.3+k3s1", downloadUrl: "https://mirror.example/k3s" };
const server = {
  name: "sophia-server-1",
  ip: "198.51.100.7",
  apiPort: 6443,
  tlsSans: ["api.sophia.example"],
  labels: { "sophia-ai/pool": "server" },
  taints: [],
};
const agent = {
  name: "sophia-gpu-1",
  serverUrl: "https://198.51.100.7:6443",
  labels: {},
  taints: ["nvidia.com/gpu=present:NoSchedule"],
};
const scripts = {
  server: serverScript(release, server),
  agent: agentScript(release, agent),
  "pinned server": serverScript({ ...release, sha256: { amd64: "a".repeat(64) } }, server),
};

describe("the text", () => {
  test.each(Object.entries(scripts))("%s: what is rendered is what was reviewed", (_name, script) => {
    expect(script).toMatchSnapshot();
  });

  test.each(Object.entries(scripts))(
    "%s: is valid bash, and sound where shellcheck is there",
    (_name, script) => {
      execFileSync("bash", ["-n"], { input: script });
      const check = spawnSync("shellcheck", ["--shell=bash", "-"], { input: script, encoding: "utf8" });
      // Where it is not installed there is no output, and nothing to say.
      expect(check.stdout || "").toBe("");
    },
  );

  const configIn = (script: string): unknown =>
    parse(/config\.yaml <<'SOPHIA_EOF'\n([\s\S]*?)\nSOPHIA_EOF/.exec(script)?.[1] ?? "");

  test("the agent's configuration is what k3s reads", () => {
    expect(configIn(scripts.agent)).toEqual({
      server: "https://198.51.100.7:6443",
      "token-file": "/etc/rancher/k3s/agent-token",
      "protect-kernel-defaults": true,
      "node-name": "sophia-gpu-1",
      "node-label": [],
      "node-taint": ["nvidia.com/gpu=present:NoSchedule"],
    });
  });

  test("the server's certificate is good for its address and its further names", () => {
    expect(configIn(scripts.server)).toMatchObject({
      "tls-san": ["198.51.100.7", "api.sophia.example"],
      "https-listen-port": 6443,
      "node-label": ["sophia-ai/pool=server"],
      "write-kubeconfig-mode": "0600",
      "secrets-encryption": true,
    });
  });

  test("settings are words of the shell, whatever is in them", () => {
    const odd = serverScript({ version: "v1", downloadUrl: "https://mirror.example/it's/$(id)//" }, server);
    expect(odd).toContain(`base='https://mirror.example/it'\\''s/$(id)/v1'\n`);
    execFileSync("bash", ["-n"], { input: odd });
  });
});

/** Commands of the pretended machine. Each notes how it was called, so that a token in an argument would be seen. */
const COMMANDS = {
  sudo: `case "$1" in k3s) shift; exec "$ROOT/usr/local/bin/k3s" "$@" ;; *) exec "$@" ;; esac`,
  "cloud-init": "exit 1",
  sysctl: "",
  sleep: "",
  systemctl: `if [ "$1" = is-active ]; then exit "\${INACTIVE:-0}"; fi`,
  uname: `echo "\${MACHINE:-x86_64}"`,
  curl: `while [ "$1" != -o ]; do shift; done
case "$3" in
  */sha256sum-*) printf '%s' "$SUMS" > "$2" ;;
  *) printf '%s' "$BINARY" > "$2" ;;
esac`,
};
const BINARY = `#!/bin/bash
case "$1" in
  --version) echo "k3s version v1.36.3+k3s1 (00000000)" ;;
  kubectl) exit "\${UNREADY:-0}" ;;
esac
`;
const DIGEST = createHash("sha256").update(BINARY).digest("hex");
const SUMS = `${"0".repeat(64)}  k3s-images.txt\n${DIGEST}  k3s\n${DIGEST}  k3s-arm64\n`;
const TOKENS = { server: "server-canary\nagent-canary\n", agent: "agent-canary\n" };

describe("what it does", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "sophia-node-"));
    for (const folder of ["bin", "etc/sysctl.d", "etc/systemd/system", "etc/rancher", "usr/local/bin"])
      mkdirSync(path.join(root, folder), { recursive: true });
    for (const [name, body] of Object.entries(COMMANDS)) {
      const file = path.join(root, "bin", name);
      writeFileSync(file, `#!/bin/bash\necho "${name} $*" >> "$ROOT/calls"\n${body}\n`);
      chmodSync(file, 0o755);
    }
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function run(script: string, input: string, machine: Record<string, string> = {}) {
    const here = script.replaceAll(/(?<=[ (])\/(etc|usr)\//g, `${root}/$1/`);
    const env = { PATH: `${root}/bin:/usr/bin:/bin`, ROOT: root, TMPDIR: root, BINARY, SUMS, ...machine };
    const { status, stderr } = spawnSync("bash", ["--norc", "-c", here], { input, env, encoding: "utf8" });
    return { status, stderr };
  }
  const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
  const calls = (): string[] => read("calls").replaceAll(root, "").trimEnd().split("\n");
  const done = { status: 0, stderr: "" };

  test("a server: tokens in files of their own, verified binary, service restarted, API server awaited", () => {
    expect(run(scripts.server, TOKENS.server)).toEqual(done);
    expect(read("etc/rancher/k3s/token")).toBe("server-canary\n");
    expect(read("etc/rancher/k3s/agent-token")).toBe("agent-canary\n");
    for (const file of ["token", "agent-token", "config.yaml"])
      expect(statSync(path.join(root, "etc/rancher/k3s", file)).mode & 0o777).toBe(0o600);
    expect(read("usr/local/bin/k3s")).toBe(BINARY);
    expect(calls().filter((call) => /^(systemctl|sudo k3s)/.test(call))).toEqual([
      "systemctl daemon-reload",
      "systemctl enable k3s",
      "systemctl restart k3s",
      "sudo k3s kubectl get --raw /readyz",
    ]);
    expect(read("calls")).not.toContain("canary");
  });

  test("an agent gets its own token only", () => {
    expect(run(scripts.agent, TOKENS.agent)).toEqual(done);
    expect(read("etc/rancher/k3s/agent-token")).toBe("agent-canary\n");
    expect(existsSync(path.join(root, "etc/rancher/k3s/token"))).toBe(false);
    expect(calls()).toContain("systemctl restart k3s-agent");
  });

  test.each([
    ["x86_64", "k3s"],
    ["aarch64", "k3s-arm64"],
  ])("%s: downloads %s of the release", (machine, asset) => {
    expect(run(scripts.agent, TOKENS.agent, { MACHINE: machine })).toEqual(done);
    const downloads = calls().filter((call) => call.startsWith("curl"));
    expect(downloads[0]?.endsWith(` https://mirror.example/k3s/v1.36.3%2Bk3s1/${asset}`)).toBe(true);
  });

  test("a second run takes up a new configuration and downloads nothing", () => {
    run(scripts.server, TOKENS.server);
    rmSync(path.join(root, "calls"));
    const changed = serverScript(release, { ...server, tlsSans: ["other.example"] });
    expect(run(changed, TOKENS.server)).toEqual(done);
    expect(calls().filter((call) => call.startsWith("curl"))).toEqual([]);
    expect(calls()).toContain("systemctl restart k3s");
    expect(read("etc/rancher/k3s/config.yaml")).toContain("other.example");
  });

  test.each<[string, string, Record<string, string>, string]>([
    [
      "a download that is not what the release says",
      scripts.server,
      { BINARY: "tampered" },
      `k3s: the checksum of the download is wrong (got ${createHash("sha256").update("tampered").digest("hex")}); expected ${DIGEST}. Check k3sDownloadUrl and k3sSha256.`,
    ],
    [
      "a download that is not what is pinned",
      scripts["pinned server"],
      {},
      `k3s: the checksum of the download is wrong (got ${DIGEST}); expected ${"a".repeat(64)}. Check k3sDownloadUrl and k3sSha256.`,
    ],
    [
      "a release without a checksum",
      scripts.server,
      { SUMS: "" },
      `k3s: the checksum of the download is wrong (got ${DIGEST}); expected a checksum for k3s in sha256sum-amd64.txt. Check k3sDownloadUrl and k3sSha256.`,
    ],
    [
      "another architecture",
      scripts.server,
      { MACHINE: "riscv64" },
      "node: the architecture is not supported (got riscv64); expected x86_64 or aarch64.",
    ],
  ])("%s is refused, and nothing is installed", (_name, script, machine, message) => {
    expect(run(script, TOKENS.server, machine)).toEqual({ status: 1, stderr: `${message}\n` });
    expect(existsSync(path.join(root, "usr/local/bin/k3s"))).toBe(false);
    expect(read("calls")).not.toContain("systemctl");
  });

  test("a server that does not get ready, and an agent that does not start, are failures", () => {
    expect(run(scripts.server, TOKENS.server, { UNREADY: "1" })).toEqual({
      status: 1,
      stderr: "sophia-server-1: the API server is not ready after 2 minutes.\n",
    });
    expect(run(scripts.agent, TOKENS.agent, { INACTIVE: "3" })).toEqual({
      status: 1,
      stderr: "sophia-gpu-1: the agent did not start.\n",
    });
  });
});
