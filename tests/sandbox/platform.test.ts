/**
 * The main job with the real commands, the real engine and a real API server: up, no change, preview, a change of one
 * server, an instance lost behind the program's back, a crash, bad input, down. Each step stands on the one before.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { TestSandbox, type CommandResult } from "../support/sandbox";

const MINUTE = 60_000;
jest.setTimeout(10 * MINUTE);

const sandbox = new TestSandbox();
const config = (): string => path.join(sandbox.dir, "Pulumi.local.yaml");

afterAll(() => sandbox.dispose(), 3 * MINUTE);

/** Runs the engine with a changed copy of the completed configuration. */
function pulumi(
  command: string,
  change: (config: Record<string, unknown>) => void,
  ...args: string[]
): Promise<CommandResult> {
  const document = parse(readFileSync(config(), "utf8")) as { config: Record<string, unknown> };
  change(document.config);
  const file = path.join(sandbox.dir, "changed.yaml");
  writeFileSync(file, stringify(document));
  return sandbox.shell(
    path.join(sandbox.dir, "bin", "pulumi"),
    command,
    "--stack",
    "local",
    "--config-file",
    file,
    ...args,
  );
}

const unchanged = (): void => undefined;

/** Launches an instance of a name behind the program's back, with the SSH key that is there. */
const LAUNCH = `
  const headers = { authorization: "Bearer " + process.env.LAMBDA_LABS_API_KEY, "content-type": "application/json" };
  const api = process.env.LAMBDA_LABS_API_URL;
  const launch = async () => {
    const { data: [key] } = await (await fetch(api + "/ssh-keys", { headers })).json();
    const body = JSON.stringify({ name: process.argv[1], region_name: "us-east-1", instance_type_name: "gpu_1x_a10",
      ssh_key_names: [key.name] });
    const answer = await fetch(api + "/instance-operations/launch", { method: "POST", headers, body });
    if (!answer.ok) throw new Error(await answer.text());
  };
  launch();`;

interface SimulatedInstance {
  readonly id: string;
  readonly name: string;
  readonly status: string;
}

async function instances(): Promise<SimulatedInstance[]> {
  const { output } = await sandbox.run("lambda", "instances", "--json");
  return JSON.parse(output) as SimulatedInstance[];
}

async function kubectl<T>(...args: string[]): Promise<T> {
  const { output } = await sandbox.shell("kubectl", ...args, "-o", "json");
  return JSON.parse(output) as T;
}

const summary = (output: string): string =>
  /Resources:\n([\s\S]*?)\n\n/.exec(output)?.[1]?.replaceAll(/ +/g, " ") ?? output;

test("up from nothing reaches ready n/n and says where everything is", async () => {
  const { code, output } = await sandbox.run("up");
  expect(output).toMatch(/Sophia AI, stack local: ready (\d+)\/\1\n/);
  expect(output).toContain("nodes         2/2 ready, 1 GPU\n");
  expect(output).toContain("MCP servers   24/24 ready\n");
  expect(output).toContain("would cost    $1.49 an hour, $1087.70 a month");
  expect(output).not.toMatch(/^ *warning:/m);
  expect(code).toBe(0);
});

test("a second up and a preview change nothing", async () => {
  expect(summary((await sandbox.run("up")).output)).toMatch(/^ \d+ unchanged$/);
  expect((await pulumi("preview", unchanged, "--expect-no-changes")).code).toBe(0);
});

test("every MCP server is a Deployment, a Service and a ServiceAccount", async () => {
  const names = async (kind: string): Promise<string[]> => {
    const { items } = await kubectl<{ items: { metadata: { name: string } }[] }>(
      "get",
      kind,
      "-n",
      "sophia-ai",
    );
    return items.map(({ metadata }) => metadata.name).filter((name) => /^sophia-mcp-(?!gateway)/.test(name));
  };
  const deployments = await names("deployments");
  expect(deployments).toHaveLength(24);
  expect(await names("services")).toEqual(deployments);
  expect(await names("serviceaccounts")).toEqual(deployments);
});

test("no secret is in the state in clear", () => {
  const state = readFileSync(
    path.join(sandbox.dir, "pulumi", ".pulumi", "stacks", "sophia-ai", "local.json"),
    "utf8",
  );
  const { apiKey, sshPrivateKey } = JSON.parse(
    readFileSync(path.join(sandbox.dir, "settings.json"), "utf8"),
  ) as Record<string, string>;
  expect(state).not.toContain(apiKey);
  expect(state).not.toContain("PRIVATE KEY");
  expect(sshPrivateKey).toContain("PRIVATE KEY");
  expect(state).not.toContain("client-key-data");
});

test("disabling one server touches that server and the gateway's registry only", async () => {
  const disable = (settings: Record<string, unknown>): void => {
    settings["sophia-ai:mcp"] = { servers: { figma_context: { enabled: false } } };
  };
  const { output } = await pulumi("preview", disable, "--json", "--suppress-progress");
  const { steps } = JSON.parse(output) as { steps: { op: string; urn: string }[] };
  const touched = steps
    .filter(({ op }) => op !== "same")
    .map(({ op, urn }) => `${op} ${urn.split("::").at(-1) ?? ""}`);
  expect(touched.sort()).toEqual([
    "delete sophia-mcp-figma-context",
    "delete sophia-mcp-figma-context-account",
    "delete sophia-mcp-figma-context-deployment",
    "delete sophia-mcp-figma-context-secret",
    "delete sophia-mcp-figma-context-service",
    "delete stand-in-secrets-figma-pat",
    "update sophia-mcp-gateway-config",
    "update sophia-mcp-gateway-deployment",
  ]);
});

test("bad input is one report, and nothing is touched", async () => {
  const before = await instances();
  const spoil = (settings: Record<string, unknown>): void => {
    settings["sophia-ai:colour"] = "blue";
    settings["sophia-ai:mcp"] = { servers: { figma_contxt: { enabled: false } } };
    settings["sophia-ai:nodes"] = {
      server: { role: "server", instanceTypes: ["gpu_1x_a11"], regions: ["us-esat-1"] },
    };
  };
  const { code, output } = await pulumi("up", spoil, "--yes", "--skip-preview");
  expect(code).not.toBe(0);
  for (const line of [
    "error: configuration of stack local: 4 problems",
    "  - colour: is not a known setting.",
    "  - mcp.servers.figma_contxt:",
    '  - nodes.server.instanceTypes: Lambda has no such instance type (got "gpu_1x_a11")',
    '  - nodes.server.regions: Lambda has no such region (got "us-esat-1")',
  ]) {
    expect(output).toContain(line);
  }
  expect(await instances()).toEqual(
    before.map((instance) => expect.objectContaining({ id: instance.id, status: "active" }) as unknown),
  );
});

test("an agent lost behind the program's back is launched again, and joins", async () => {
  const lost = (await instances()).find(({ name }) => name.includes("gpu-1"));
  await sandbox.run("lambda", "terminate", lost?.id ?? "");
  expect((await pulumi("refresh", unchanged, "--yes", "--skip-preview")).code).toBe(0);
  const { code, output } = await sandbox.run("up");
  expect(output).toContain("nodes         2/2 ready, 1 GPU\n");
  expect(code).toBe(0);
  const alive = (await instances()).filter(({ status }) => status === "active");
  expect(alive).toHaveLength(2);
  expect(alive.map(({ id }) => id)).not.toContain(lost?.id);
});

test("the janitor finds nothing, then an instance that no state holds, and removes what is named", async () => {
  const janitor = (...names: string[]) => sandbox.shell("node", "bin/stacks/janitor.js", ...names);
  expect(await janitor()).toEqual({ code: 0, output: "nothing is left over\n" });

  const [held] = await instances();
  const name = held?.name.replace(/[0-9a-f]{8}$/, "00000000") ?? "";
  await sandbox.shell("node", "-e", LAUNCH, name);
  const found = await janitor();
  const line = new RegExp(`^instance ${name} \\([0-9a-f]{32}, \\$1\\.29 an hour\\)$`, "m");
  expect(found.output).toMatch(line);
  expect(found.code).toBe(1);

  const wrong = await janitor(held?.name ?? "");
  expect(wrong.output).toBe(
    `names to remove: 1 problem\n  - ${held?.name ?? ""}: is nothing that is left over. Look at the list without names.\n`,
  );
  expect(wrong.code).toBe(2);

  expect((await janitor(name)).code).toBe(0);
  expect((await instances()).find((instance) => instance.name === name)?.status).toMatch(/^terminat/);
});

test("a sandbox that was killed comes back with all that was in it", async () => {
  const { pid } = JSON.parse(readFileSync(path.join(sandbox.dir, "daemon", "daemon.pid"), "utf8")) as {
    pid: number;
  };
  process.kill(pid, "SIGKILL");
  const { code, output } = await sandbox.run("up");
  expect(summary(output)).toMatch(/^ \d+ unchanged$/);
  expect(output).toMatch(/ready (\d+)\/\1\n/);
  expect(code).toBe(0);
});

test("down leaves no instance, no process and no file", async () => {
  const { code } = await sandbox.run("down");
  expect(code).toBe(0);
  expect(existsSync(sandbox.dir)).toBe(false);
  expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(sandbox.dir);
});
