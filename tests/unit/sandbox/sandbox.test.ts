import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { formatProblem } from "../../../components/problems";
import { machineProblems } from "../../../sandbox/machine";
import { formatElapsed, step } from "../../../sandbox/progress";
import { freePort, portProblems, sandboxSettings, type SandboxSettings } from "../../../sandbox/settings";
import { readyCount, renderStatus, withMissing, type StackStatus } from "../../../sandbox/status";
import { pathWithout, sandboxConfig, writeStackConfig, type Workspace } from "../../../sandbox/workspace";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "sophia-unit-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe("progress", () => {
  test.each([
    [0, "0.0 s"],
    [4_230, "4.2 s"],
    [59_900, "59.9 s"],
    [60_000, "1 m 00 s"],
    [125_400, "2 m 05 s"],
  ])("%i ms is %s", (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });

  test("a step says when it begins and ends, with what it found out", async () => {
    const lines: string[] = [];
    const result = await step(
      "counting",
      (detail) => (detail("up to 3"), Promise.resolve(3)),
      (line) => lines.push(line),
    );
    expect(result).toBe(3);
    expect(lines.map((line) => line.replace(/\d+\.\d s/, "T"))).toEqual([
      "  counting …",
      "✓ counting: up to 3 (T)",
    ]);
  });

  test("a step that fails says so and passes the error on", async () => {
    const lines: string[] = [];
    const failing = step(
      "counting",
      () => Promise.reject(new Error("lost count")),
      (line) => lines.push(line),
    );
    await expect(failing).rejects.toThrow(new Error("lost count"));
    expect(lines[1]).toMatch(/^✗ counting \(/);
  });
});

describe("machine", () => {
  test("a machine that has everything has no problem", () => {
    expect(machineProblems(() => true, "24.1.0", "linux")).toEqual([]);
  });

  test("everything that is missing is reported, each with its package", () => {
    expect(machineProblems((program) => program === "bash", "18.2.0", "darwin").map(formatProblem)).toEqual([
      'machine: the sandbox needs Linux (got "darwin"); expected "linux". Run it in a Linux virtual machine.',
      'node: is too old to run Pulumi\'s SDK (got "18.2.0"); expected 22 or newer. Run it through make, which uses the Node that npm installs.',
      "curl: is not on PATH. Install it: sudo apt-get install curl.",
      "openssl: is not on PATH. Install it: sudo apt-get install openssl.",
      "setpriv: is not on PATH. Install it: sudo apt-get install util-linux.",
      "unshare: is not on PATH. Install it: sudo apt-get install util-linux.",
    ]);
  });
});

describe("settings", () => {
  test("are made once, kept, and readable by their owner only", async () => {
    const first = await sandboxSettings(dir);
    expect(await sandboxSettings(dir)).toEqual(first);
    expect(statSync(path.join(dir, "settings.json")).mode & 0o777).toBe(0o600);
    expect(first.addressPrefix).toMatch(/^127\.(6[4-9]|[7-9]\d|1[0-8]\d|19[01])\.\d{1,3}$/);
    expect(first.sshPublicKey).toMatch(/^ecdsa-sha2-nistp256 /);
  });

  test("two folders have addresses, keys and tokens of their own", async () => {
    const [a, b] = await Promise.all([
      sandboxSettings(path.join(dir, "a")),
      sandboxSettings(path.join(dir, "b")),
    ]);
    for (const key of ["apiKey", "adminToken", "passphrase", "sshPrivateKey"] as const)
      expect(a[key]).not.toBe(b[key]);
  });

  test("a preferred port that is taken is not used", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const taken = (server.address() as { port: number }).port;
    expect(await freePort("127.0.0.1", taken)).not.toBe(taken);
    server.close();
  });

  test("a port that somebody took meanwhile is named", async () => {
    const settings = await sandboxSettings(dir);
    const server = createServer().listen(settings.ports.lambda, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const problems = await portProblems(settings);
    server.close();
    expect(problems.map(formatProblem)).toEqual([
      `127.0.0.1:${settings.ports.lambda}: is the sandbox's lambda port and in use by another process. Stop that process, or begin anew on other ports: make down && make up.`,
    ]);
  });
});

const settings: SandboxSettings = {
  apiKey: "key",
  adminToken: "token",
  passphrase: "phrase",
  sshPrivateKey: "private",
  sshPublicKey: "ecdsa-sha2-nistp256 AAAA",
  addressPrefix: "127.77.3",
  ports: { lambda: 4001, downloads: 4002, ssh: 2222, kubernetes: 6443 },
  timeScale: 20,
};

test("a search path loses the sandbox's own folders and no others", () => {
  const searchPath = "/work/.sandbox/bin:/usr/bin:/work/.sandbox/shell:/work/.sandbox-2/bin:/bin";
  expect(pathWithout("/work/.sandbox", searchPath)).toBe("/usr/bin:/work/.sandbox-2/bin:/bin");
  expect(pathWithout("/work/.sandbox", undefined)).toBe("");
});

describe("the stack's completed configuration", () => {
  const workspace = (): Workspace => ({
    dir,
    binDir: "",
    chartDir: "/charts",
    env: {},
    configFile: path.join(dir, "Pulumi.local.yaml"),
  });
  const written = () =>
    parse(readFileSync(workspace().configFile, "utf8")) as {
      encryptionsalt?: string;
      config: Record<string, unknown>;
    };

  test("paces the client as the simulated clock runs", () => {
    expect(sandboxConfig(settings, "/charts")["sophia-ai:lambda"]).toEqual({
      requestIntervalMs: 50,
      launchIntervalMs: 600,
      pollIntervalMs: 250,
      settleMs: 9_000,
    });
  });

  test("is the committed file with the sandbox's addresses added, and holds no secret", () => {
    writeStackConfig(workspace(), settings);
    const { config } = written();
    expect(config["sophia-ai:environment"]).toBe("local");
    expect(config["sophia-ai:charts"]).toEqual({ mirror: "/charts" });
    expect(config["sophia-ai:cluster"]).toMatchObject({ sshPort: 2222, apiPort: 6443 });
    expect(readFileSync(workspace().configFile, "utf8")).not.toMatch(/private|phrase|token/);
  });

  test("keeps what the CLI encrypted, and drops what is no longer committed", () => {
    writeStackConfig(workspace(), settings, {
      encryptionsalt: "ignored here",
      "sophia-ai:sshPrivateKey": { secure: "v1:abc" },
      "sophia-ai:old": 1,
    });
    writeStackConfig(workspace(), settings);
    expect(written().config["sophia-ai:sshPrivateKey"]).toEqual({ secure: "v1:abc" });
    expect(written().config).not.toHaveProperty("sophia-ai:old");
  });
});

describe("the summary", () => {
  const workload = (name: string, ready: number, component = "mcp-server") => ({
    name,
    namespace: "sophia-ai",
    component,
    ready,
    wanted: 1,
  });
  const status: StackStatus = {
    outputs: {
      instances: {
        "gpu-1": {
          id: "i",
          ip: "127.77.3.2",
          instanceType: "gpu_1x_a10",
          region: "us-east-1",
          gpus: 1,
          hourlyPriceUsd: 1.29,
        },
      },
      costPerHourUsd: 1.29,
      costPerMonthUsd: 941.7,
      apiUrl: "https://127.77.3.2:6443",
      kubeconfig: "",
      releases: { "node-feature-discovery": "0.19.0" },
      coreUrl: "http://core",
      gatewayUrl: "http://gateway",
      workloads: { "mcp-server": ["sophia-mcp-a", "sophia-mcp-b"] },
    },
    nodes: [{ name: "sophia-gpu-1", ready: true, gpus: 1 }],
    workloads: [
      workload("sophia-mcp-a", 1),
      workload("sophia-mcp-b", 0),
      workload("sophia-core", 1, "core-api"),
    ],
  };

  test("counts what is ready", () => {
    expect(readyCount(status.workloads)).toBe("2/3");
  });

  test("counts what the stack has and the cluster lacks", () => {
    const found = withMissing({ "mcp-server": ["sophia-mcp-a", "sophia-mcp-c"] }, status.workloads);
    expect(readyCount(found)).toBe("2/4");
    expect(found.at(-1)).toEqual({
      name: "sophia-mcp-c",
      namespace: "sophia-ai",
      component: "mcp-server",
      ready: 0,
      wanted: 1,
    });
  });

  test("says what is there, what is not ready, where it is, and what it would cost", () => {
    const text = renderStatus(status, path.join(process.cwd(), ".sandbox"), settings);
    expect(text).toBe(`
Sophia AI, stack local: ready 2/3

  instances     gpu-1 gpu_1x_a10 in us-east-1 at 127.77.3.2, $1.29/h
  nodes         1/1 ready, 1 GPU
  releases      node-feature-discovery 0.19.0
  MCP servers   1/2 ready
  not ready     sophia-ai/sophia-mcp-b 0/1
  core API      http://core
  MCP gateway   http://gateway
  Kubernetes    https://127.77.3.2:6443, kubeconfig .sandbox/kubeconfig
  Lambda Cloud  http://127.0.0.1:4001/?token=token (simulated; open it in a browser)
  would cost    $1.29 an hour, $941.70 a month at Lambda's prices; here it is free
  look at it    make status | make shell (pulumi, kubectl, helm) | make down
`);
  });
});
