/** The lifecycle of Lambda Cloud resources with the real engine against the simulated account. */
import { LambdaStack, type Declared } from "../support/lambdaStack";

jest.setTimeout(180_000);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (truth: () => boolean): Promise<void> => {
  for (let looks = 0; looks < 2_000 && !truth(); looks++) await pause(20);
};

const stack = new LambdaStack();
beforeAll(() => stack.start(), 120_000);
afterAll(async () => {
  await stack.dispose();
  await until(() => stack.processes().length === 0);
  expect(stack.processes()).toEqual([]);
});

const PUBLIC_KEY =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAX8mHrgNqPnFNRHlVOkzXRVNG3clIbbrAlGmzLHBHG6c4vVTNqkGiOcPiqyvA5HWW+vR7oxR6vcOPUGdpTd1Wk=";
const USER_DATA = "#cloud-config canary-user-data";
const region = "us-east-1";

const key: Declared = { type: "SshKey", args: { name: "key" } };
const models: Declared = {
  type: "FileSystem",
  args: { name: "models", region },
  options: { protect: false },
};
const ssh = { protocol: "tcp", portRange: [22, 22], sourceNetwork: "198.51.100.0/24", description: "SSH" };
const nodes: Declared = { type: "FirewallRuleset", args: { name: "nodes", region, rules: [ssh] } };
const admin: Declared = { type: "FirewallRules", args: { ruleset: "global", owner: "test", rules: [ssh] } };
const gpuArgs = {
  name: "gpu-1",
  placements: [{ instanceType: "gpu_1x_a10", region }],
  sshKeyName: { ref: "key.name" },
  image: { family: "lambda-stack-24-04" },
  hostname: "gpu-1",
  userData: USER_DATA,
  fileSystems: [{ id: { ref: "models.id" }, name: "models", region }],
  firewallRulesets: [{ id: { ref: "nodes.id" }, region }],
  tags: { tier: "gpu" },
};
const gpu = (change: object = {}): Declared => ({ type: "Instance", args: { ...gpuArgs, ...change } });
const all = { key, models, nodes, admin, gpu: gpu() };

test("up makes one of each, and then nothing is to be done", async () => {
  stack.declare(all);
  const { code, output } = await stack.up();
  expect(output).toContain("+ 6 created");
  expect(output).not.toContain("canary-user-data");
  expect(code).toBe(0);
  expect(stack.alive()).toHaveLength(1);
  expect(await stack.planned()).toEqual({});
  expect((await stack.pulumi("refresh", "--yes", "--expect-no-changes", "--stack", "test")).code).toBe(0);
  const { output: state } = await stack.pulumi("stack", "export", "--stack", "test");
  expect(state).not.toMatch(/canary-user-data|PRIVATE KEY|jupyter\.example/);
});

test.each<[string, object]>([
  ["image", { image: { family: "ubuntu-24-04" } }],
  ["hostname", { hostname: "gpu-2" }],
  ["userData", { userData: "#cloud-config other" }],
  ["tags", { tags: { tier: "cpu" } }],
  ["fileSystems", { fileSystems: [] }],
  ["firewallRulesets", { firewallRulesets: [] }],
  ["placements", { placements: [{ instanceType: "gpu_1x_a100", region }] }],
])("another %s needs another instance", async (_field, change) => {
  stack.declare({ ...all, gpu: gpu(change) });
  expect((await stack.planned()).gpu).toMatch(/replace/);
});

test("a name changes in place, and so does a list of placements with the present one in it", async () => {
  const before = stack.alive();
  const placements = [{ instanceType: "gpu_1x_a100", region }, ...gpuArgs.placements];
  stack.declare({ ...all, gpu: gpu({ name: "renamed", placements }) });
  expect(await stack.planned()).toEqual({ gpu: "update" });
  expect((await stack.up()).code).toBe(0);
  expect(stack.alive()).toEqual(before.map(({ id }) => ({ id, name: "renamed" })));
  stack.declare(all);
  expect((await stack.up()).code).toBe(0);
});

test("an instance that is gone is planned anew after a refresh", async () => {
  const [lost] = stack.alive();
  const record = stack.simulator.cloud.state.instances.find(({ id }) => id === lost?.id);
  if (record !== undefined) stack.simulator.cloud.terminate(record);
  await stack.pulumi("refresh", "--yes", "--stack", "test");
  expect(await stack.planned()).toEqual({ gpu: "create" });
  expect((await stack.up()).code).toBe(0);
  expect(stack.alive()).toHaveLength(1);
});

test("another implementation plans no change, and takes effect in read", async () => {
  stack.editImplementation(
    `handlers.sshKey.read = () => Promise.reject(new Error("the new implementation reads"))`,
  );
  expect(await stack.planned()).toEqual({});
  const { output } = await stack.pulumi("refresh", "--yes", "--stack", "test");
  expect(output).toContain("the new implementation reads");
  stack.editImplementation("");
});

test.each<[string, (pid: number, ended: Promise<unknown>) => Promise<void>]>([
  [
    "kill -9",
    (pid) => {
      process.kill(-pid, "SIGKILL");
      return Promise.resolve();
    },
  ],
  [
    "Ctrl-C twice",
    async (pid, ended) => {
      process.kill(-pid, "SIGINT");
      await Promise.race([ended, pause(300)]);
      try {
        process.kill(-pid, "SIGINT");
      } catch {
        // It has ended after the first one.
      }
    },
  ],
])("%s between launch and state: the next up takes the instance over", async (_how, interrupt) => {
  const second = gpu({ name: "gpu-2", hostname: "gpu-2" });
  const launched = stack.launches();
  const known = stack.alive().length;
  stack.declare({ ...all, second });
  const { child, ended } = stack.spawn("up", "--yes", "--skip-preview", "--stack", "test");
  await until(() => stack.alive().length > known);
  await interrupt(child.pid ?? 0, ended);
  await ended;
  await stack.pulumi("cancel", "--yes", "--stack", "test");
  const { code, output } = await stack.up();
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(stack.alive()).toHaveLength(known + 1);
  expect(stack.launches()).toBe(launched + 1);
  stack.declare(all);
  expect((await stack.up()).code).toBe(0);
  expect(stack.alive()).toHaveLength(known);
});

test("what exists already is adopted, and then nothing is to be done", async () => {
  const [running] = stack.alive();
  await stack.pulumi("state", "delete", "--yes", "--stack", "test", "--all");
  const launched = stack.launches();
  const id = (list: readonly { id: string }[]) => list[0]?.id;
  const { fileSystems, rulesets } = stack.simulator.cloud.state;
  stack.simulator.cloud.state.sshKeys = [{ id: "0".repeat(32), name: "key", public_key: PUBLIC_KEY }];
  stack.declare({
    key: { type: "SshKey", args: { name: "key", publicKey: PUBLIC_KEY, adopt: "0".repeat(32) } },
    models: { ...models, args: { ...models.args, adopt: id(fileSystems) } },
    nodes: { ...nodes, args: { ...nodes.args, adopt: id(rulesets) } },
    admin,
    gpu: gpu({ adopt: running?.id }),
  });
  const { code, output } = await stack.up();
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(await stack.planned()).toEqual({});
  expect(stack.launches()).toBe(launched);
  expect(stack.alive()).toEqual([running]);
});

test("destroy leaves nothing but what others made", async () => {
  const { code, output } = await stack.pulumi("destroy", "--yes", "--stack", "test");
  expect({ code, output }).toMatchObject({ code: 0 });
  const { fileSystems, rulesets, sshKeys, globalRules } = stack.simulator.cloud.state;
  expect([stack.alive(), fileSystems, rulesets, sshKeys]).toEqual([[], [], [], []]);
  expect(globalRules.map(({ description }) => description)).toEqual([
    "Allow SSH from anywhere",
    "Allow ping from anywhere",
  ]);
});
