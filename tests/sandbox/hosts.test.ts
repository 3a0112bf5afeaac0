/**
 * Instances as users meet them: the machine's own ssh client logs in, a bootstrap like the program's installs k3s,
 * and a real control plane schedules pods onto the nodes that joined.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../sandbox/settings";
import { HostFleet } from "../../sandbox/hosts/fleet";
import type { InstanceSnapshot } from "../../sandbox/hosts/instance";
import { k3sBinary } from "../../sandbox/hosts/shims";
import { readRecord } from "../../sandbox/processes/identity";
import { waitFor } from "../../sandbox/processes/waitFor";
import { ensureToolchain } from "../../sandbox/toolchain/toolchain";

const VERSION = "v1.36.3+k3s1";
const SERVER_IP = "127.77.91.1";
const AGENT_IP = "127.77.91.2";
const SECOND_IP = "127.77.91.3";

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let dir: string;
let binDir: string;
let sshPort: number;
let fleet: HostFleet;
let downloads: Server;
let downloadUrl: string;

const instance = (id: string, ip: string, changes: Partial<InstanceSnapshot> = {}): InstanceSnapshot => ({
  id,
  name: id,
  status: "active",
  ip,
  instanceType: "gpu_2x_a10",
  gpus: 2,
  vcpus: 30,
  memoryGib: 200,
  storageGib: 1400,
  architecture: "amd64",
  gpuDescription: "A10 (24 GB PCIe)",
  sshPublicKeys: [readFileSync(join(dir, "key.pub"), "utf8")],
  hostname: id,
  region: "us-west-1",
  ...changes,
});

const server = (): InstanceSnapshot =>
  instance("server-1", SERVER_IP, { gpus: 0, instanceType: "cpu_4x_general" });
const agent = (): InstanceSnapshot => instance("gpu-1", AGENT_IP);
const second = (): InstanceSnapshot =>
  instance("server-2", SECOND_IP, { gpus: 0, instanceType: "cpu_4x_general" });

/** Runs a command on an instance with OpenSSH's client. */
function ssh(ip: string, command: string, { key = "key", input = "" } = {}): Promise<Outcome> {
  const options = [
    "StrictHostKeyChecking=accept-new",
    `UserKnownHostsFile=${join(dir, "known")}`,
    "BatchMode=yes",
  ];
  const child = spawn("ssh", [
    ...[
      "-F",
      "none",
      "-i",
      join(dir, key),
      "-p",
      String(sshPort),
      "-o",
      "LogLevel=ERROR",
      "-o",
      "IdentitiesOnly=yes",
    ],
    ...options.flatMap((option) => ["-o", option]),
    `ubuntu@${ip}`,
    command,
  ]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** A bootstrap as the program renders it, in short. */
const bootstrap = (role: "server" | "agent", config: string, token = "s3cret"): string => `
set -euo pipefail
curl -fsSL -o /tmp/k3s ${downloadUrl}
echo "${k3sBinary(VERSION).sha256}  /tmp/k3s" | sha256sum --check --quiet
sudo install -m 0755 /tmp/k3s /usr/local/bin/k3s
sudo mkdir -p /etc/rancher/k3s
printf %s '${token}' | sudo tee /etc/rancher/k3s/token >/dev/null
sudo tee /etc/rancher/k3s/config.yaml >/dev/null <<'CONFIG'
token-file: /etc/rancher/k3s/token
${config}
CONFIG
unit=${role === "server" ? "k3s" : "k3s-agent"}
sudo tee /etc/systemd/system/$unit.service >/dev/null <<'UNIT'
[Service]
Type=notify
ExecStart=/usr/local/bin/k3s ${role}
UNIT
sudo systemctl daemon-reload
sudo systemctl enable --now "$unit"
`;

const onServer = (args: string): Promise<Outcome> => ssh(SERVER_IP, `sudo k3s kubectl ${args}`);

function newFleet(): HostFleet {
  return new HostFleet({ dir, binDir, sshPort, delays: { podReadyMs: 50 } });
}

beforeAll(async () => {
  ({ binDir } = await ensureToolchain());
  dir = mkdtempSync(join(tmpdir(), "hosts-"));
  for (const name of ["key", "other"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(dir, name)]);
  }
  sshPort = await freePort(SERVER_IP);
  downloads = createServer((_, reply) => reply.end(k3sBinary(VERSION).content));
  const port = await freePort();
  await new Promise<void>((resolve) => downloads.listen(port, "127.0.0.1", resolve));
  downloadUrl = `http://127.0.0.1:${port}/k3s/${encodeURIComponent(VERSION)}/k3s`;
  fleet = newFleet();
  await fleet.start();
  await Promise.all([fleet.apply(server()), fleet.apply(agent())]);
}, 900_000);

afterAll(async () => {
  await fleet.stop();
  downloads.close();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

describe("a host", () => {
  test("runs commands with their input, output and exit code", async () => {
    const outcome = await ssh(SERVER_IP, "read line; echo got $line; echo bad >&2; exit 7", {
      input: "hello\n",
    });
    expect(outcome).toEqual({ code: 7, stdout: "got hello\n", stderr: "bad\n" });
  });

  test("has a disk of its own and can't write to the machine's programs", async () => {
    const outcome = await ssh(
      AGENT_IP,
      "sudo mkdir -p /etc/rancher && hostname && sudo touch /etc/rancher/mark /usr/mark",
    );
    expect(outcome.stdout).toBe("gpu-1\n");
    expect(outcome.stderr).toContain("'/usr/mark': Read-only file system");
    expect(existsSync(join(dir, "hosts/gpu-1/root/etc/rancher/mark"))).toBe(true);
    expect(existsSync("/etc/rancher/mark")).toBe(false);
    expect((await ssh(SERVER_IP, "ls /etc/rancher/mark")).code).toBe(2);
  });

  test("refuses a key that isn't the instance's", async () => {
    const outcome = await ssh(SERVER_IP, "true", { key: "other" });
    expect(outcome).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("Permission denied (publickey)") as string,
    });
  });

  test("serves sessions side by side", async () => {
    const outcomes = await Promise.all([1, 2, 3].map((n) => ssh(SERVER_IP, `sleep 0.2; echo ${n}`)));
    expect(outcomes.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n", "3\n"]);
  });

  test("shows its GPUs, and none on a CPU instance", async () => {
    const query = "nvidia-smi --query-gpu=name,memory.total --format=csv,noheader";
    expect(await ssh(AGENT_IP, query)).toMatchObject({
      code: 0,
      stdout: "NVIDIA A10, 24576 MiB\n".repeat(2),
    });
    expect((await ssh(SERVER_IP, "nvidia-smi -L")).code).toBe(9);
  });
});

describe("a cluster", () => {
  test("is made by the bootstrap of a server and joined by an agent with its token", async () => {
    expect(
      await ssh(SERVER_IP, "sudo bash -s", {
        input: bootstrap("server", "cluster-init: true\ntls-san: [api.test]"),
      }),
    ).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    const config = `server: https://${SERVER_IP}:6443\nnode-label: [sophia.ai/pool=gpu]\nnode-taint: ["nvidia.com/gpu=true:NoSchedule"]`;
    const refused = await ssh(AGENT_IP, "sudo bash -s", { input: bootstrap("agent", config, "wrong") });
    expect(refused.code).toBe(1);
    expect((await ssh(AGENT_IP, "systemctl status k3s-agent")).stdout).toContain("token is not valid");
    expect((await ssh(AGENT_IP, "sudo bash -s", { input: bootstrap("agent", config) })).code).toBe(0);
    const nodes = await onServer("wait --for=condition=Ready node --all --timeout=30s -o name");
    expect(nodes.stdout.split("\n").sort()).toEqual(["", "node/gpu-1", "node/server-1"]);
    const gpus = await onServer(
      "get node gpu-1 -o 'jsonpath={.status.capacity.nvidia\\.com/gpu} {.metadata.labels.sophia\\.ai/pool}'",
    );
    expect(gpus.stdout).toBe("2 gpu");
  }, 120_000);

  test("schedules a GPU pod onto the GPU node", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "train" },
      spec: {
        tolerations: [{ key: "nvidia.com/gpu", operator: "Exists" }],
        containers: [
          { name: "main", image: "example.test/train", resources: { limits: { "nvidia.com/gpu": 2 } } },
        ],
      },
    };
    await waitFor("the default service account", async () => (await onServer("get sa default")).code === 0, {
      deadlineMs: 30_000,
    });
    const applied = await ssh(SERVER_IP, "sudo k3s kubectl apply -f -", { input: JSON.stringify(pod) });
    expect(applied).toMatchObject({ code: 0, stderr: "" });
    expect((await onServer("wait --for=condition=Ready pod/train --timeout=30s")).code).toBe(0);
    expect((await onServer("get pod train -o jsonpath={.spec.nodeName}")).stdout).toBe("gpu-1");
  }, 60_000);

  test("gets its API server back after kill -9", async () => {
    const file = join(dir, "clusters/server-1/control-plane/run/kube-apiserver.pid");
    const before = readRecord(file)?.pid ?? Number.NaN;
    process.kill(before, "SIGKILL");
    await waitFor("the API server", async () => (await onServer("get pod train")).code === 0, {
      deadlineMs: 60_000,
    });
    expect(readRecord(file)?.pid).not.toBe(before);
  }, 90_000);

  test("comes back with the next fleet, with the same host keys", async () => {
    await fleet.stop();
    fleet = newFleet();
    await fleet.start();
    await fleet.apply(agent());
    await fleet.apply(server());
    await waitFor("the pod", async () => (await onServer("get pod train")).code === 0, {
      deadlineMs: 60_000,
    });
    expect((await ssh(AGENT_IP, "sudo systemctl is-active k3s-agent")).stdout).toMatch(/active|activating/);
  }, 120_000);

  test("outlives its first server if there is a second", async () => {
    await fleet.apply(second());
    const joined = await ssh(SECOND_IP, "sudo bash -s", {
      input: bootstrap("server", `server: https://${SERVER_IP}:6443`),
    });
    expect(joined).toMatchObject({ code: 0, stderr: "" });
    await fleet.apply({ ...server(), status: "terminating" });
    await fleet.apply({ ...server(), status: "terminated" });
    expect(existsSync(join(dir, "hosts/server-1"))).toBe(false);
    const nodes = await ssh(SECOND_IP, "sudo k3s kubectl get nodes -o name");
    expect(nodes.stdout.trim().split("\n").sort()).toEqual(["node/gpu-1", "node/server-2"]);
  }, 120_000);

  test("is gone with its last server, and nothing is left", async () => {
    await fleet.apply({ ...second(), status: "terminated" });
    await fleet.apply({ ...agent(), status: "terminated" });
    expect(readdirSync(join(dir, "clusters"))).toEqual([]);
    expect(readdirSync(join(dir, "hosts"))).toEqual([]);
    expect(processesUnder(dir)).toEqual([]);
  }, 60_000);
});

/** The command lines that name a folder. */
function processesUnder(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(folder));
}
