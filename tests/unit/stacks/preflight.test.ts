/** Preflight from settings to report, against an API on the loopback address, and what index.ts makes of a report. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import program from "../../../index";
import { ProblemReport } from "../../../components/problems";
import { preflight } from "../../../stacks/preflight";
import { instanceType } from "../lambda-cloud/fakeCloud";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n-----END OPENSSH PRIVATE KEY-----";
const region = (name: string) => ({ name, description: name });
const API: Record<string, unknown> = {
  "/instance-types": {
    gpu_1x_a10: { instance_type: instanceType("gpu_1x_a10"), regions_with_capacity_available: [] },
    gpu_1x_a100: { instance_type: instanceType("gpu_1x_a100"), regions_with_capacity_available: [] },
  },
  "/regions": [region("us-east-1"), region("us-west-1")],
};

let server: Server;
let status = 200;
let asked: string[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const body =
      status === 200
        ? { data: API[request.url ?? ""] }
        : { error: { code: "global/invalid-api-key", message: "API key was invalid." } };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  status = 200;
  asked = [];
  process.env.LAMBDA_LABS_API_KEY = "hush-api-key";
  process.env.LAMBDA_LABS_API_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  process.env = { ...environment };
});

const node = { role: "server", instanceTypes: ["gpu_1x_a10"], regions: ["us-east-1"] };
const good = {
  environment: "local",
  secretSource: "generated",
  lambda: { requestIntervalMs: 0 },
  nodes: { main: node },
  sshPublicKey: "ssh-ed25519 AAAA me",
  sshPrivateKey: KEY,
};

const check = (settings: Record<string, unknown>) =>
  preflight(
    "test",
    Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );

/** What the report says, line by line. */
async function report(settings: Record<string, unknown>): Promise<string[]> {
  try {
    await check(settings);
  } catch (error) {
    if (error instanceof ProblemReport) return error.message.split("\n");
    throw error;
  }
  return [];
}

test("a good configuration comes back complete", async () => {
  const config = await check(good);
  expect(config.nodes.main).toMatchObject({ ...node, count: 1, imageFamily: "lambda-stack-24-04" });
  expect(config.core.replicas).toBe(2);
  expect(asked).toEqual(["/instance-types", "/regions"]);
});

test("every kind of mistake is in one report, and no secret is", async () => {
  const lines = await report({
    environment: "production",
    colour: "blue",
    lambda: { requestIntervalMs: 0 },
    nodes: {
      main: { ...node, count: 2, instanceTypes: ["gpu_1x_a11"], regions: ["us-east-1", "mars-1"] },
      gpu: { ...node, role: "agent", regions: ["mars-1"] },
    },
    mcp: { servers: { githup: { replicas: 1 }, slack: { gpus: 9 } }, gpuQuota: 4 },
    sshPublicKey: "ssh-ed25519 AAAA me",
    sshPrivateKey: "hush-no-key",
    secrets: "hush-not-a-map",
  });
  expect(lines.filter((line) => !line.startsWith("  - secrets."))).toEqual([
    expect.stringMatching(/^configuration of stack test: \d+ problems$/),
    "  - colour: is not a known setting. Remove it (pulumi config rm colour), or look up its spelling in docs/configuration.md.",
    '  - environment: is not an allowed value (got "production"); expected one of "local", "staging", "prod".',
    "  - sshPrivateKey: is malformed; expected a private key in PEM or OpenSSH format.",
    "  - secrets: has the wrong type; expected map.",
    "  - nodes: the number of server nodes is not supported (got 2); expected exactly 1. Give one pool the role server and the count 1.",
    '  - mcp.servers.githup: is not a server of the catalog. Did you mean "github"? Otherwise remove it.',
    "  - mcp.gpuQuota: the enabled servers ask for 9 GPUs (slack 9) (got 4); expected at least 9. Raise it, or lower gpus or replicas of these servers.",
    '  - nodes.main.instanceTypes: Lambda has no such instance type (got "gpu_1x_a11"); expected one of gpu_1x_a10, gpu_1x_a100. Did you mean "gpu_1x_a10"? Otherwise choose one that Lambda offers.',
    '  - nodes.main.regions: Lambda has no such region (got "mars-1"); expected one of us-east-1, us-west-1. Choose one that Lambda offers.',
    '  - nodes.gpu.regions: Lambda has no such region (got "mars-1"); expected one of us-east-1, us-west-1. Choose one that Lambda offers.',
  ]);
  expect(lines.join("\n")).not.toContain("hush");
});

test("every secret that is read is asked for, once, with its readers", async () => {
  const [first, ...lines] = await report({
    ...good,
    secretSource: "config",
    secrets: { SOPHIA_SECRET_KEY: "hush" },
  });
  expect(first).toBe(`configuration of stack test: ${lines.length} problems`);
  const names = lines.map((line) => /^ {2}- secrets\.(\w+): is missing and read by /.exec(line)?.[1]);
  expect(names).not.toContain(undefined);
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("SOPHIA_SECRET_KEY");
  expect(lines[0]).toMatch(
    /^ {2}- secrets\.ANTHROPIC_API_KEY: is missing and read by the core API(, MCP server \w+)*; expected a secret\. Set it with: pulumi config set --secret --path secrets\.ANTHROPIC_API_KEY\.$/,
  );
});

test("without an API key it says so, and asks the API nothing", async () => {
  delete process.env.LAMBDA_LABS_API_KEY;
  expect(await report(good)).toEqual([
    "configuration of stack test: 1 problem",
    "  - lambdaApiKey: there is no Lambda Cloud API key; expected LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey. Set it with: pulumi config set --secret lambdaApiKey.",
  ]);
  expect(asked).toEqual([]);
});

test("an API that refuses the key hides no other mistake, and the key is not quoted", async () => {
  status = 401;
  const lines = await report({ ...good, colour: "blue" });
  expect(lines).toHaveLength(3);
  expect(lines[2]).toMatch(/^ {2}- nodes: cannot be checked\. .*API key was invalid.*\.$/);
  expect(lines.join("\n")).not.toContain("hush");
});

test("the program ends with the report alone: no stack trace", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "sophia-ai",
    "test",
  );
  pulumi.runtime.setAllConfig({
    "sophia-ai:environment": "local",
    "sophia-ai:secretSource": "generated",
    "sophia-ai:colour": "blue",
    "other:x": "y",
  });
  const error: unknown = await program().catch((reason: unknown) => reason);
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  expect(String(error)).toContain(
    [
      "configuration of stack test: 4 problems",
      "  - colour: is not a known setting. Remove it (pulumi config rm colour), or look up its spelling in docs/configuration.md.",
      "  - nodes: is missing; expected map.",
      "  - sshPublicKey: is missing; expected string.",
      "  - sshPrivateKey: is missing; expected a secret. Set it with: pulumi config set --secret sshPrivateKey.",
    ].join("\n"),
  );
});
