import fc from "fast-check";
import { InitializationFailure } from "../../../components/lambda-cloud/handlers";
import { InstanceHandlers } from "../../../components/lambda-cloud/instance";
import {
  checkInstance,
  diffInstance,
  type InstanceInputs,
  type InstanceOutputs,
} from "../../../components/lambda-cloud/instancePlan";
import { FakeCloud, inputs, instanceType, refused } from "./fakeCloud";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const MINUTE = 60_000;

async function running(): Promise<{
  cloud: FakeCloud;
  handlers: InstanceHandlers;
  id: string;
  outs: InstanceOutputs;
}> {
  const cloud = new FakeCloud();
  const handlers = new InstanceHandlers(cloud.context());
  return { cloud, handlers, ...(await handlers.create(inputs)) };
}

async function initializationFailure(promise: Promise<unknown>): Promise<InitializationFailure> {
  const error: unknown = await promise.catch((e: unknown) => e);
  if (error instanceof InitializationFailure) return error;
  throw new Error("it should have failed to initialize", { cause: error });
}

describe("check", () => {
  test.each<[string, Partial<InstanceInputs>, string]>([
    ["placements", { placements: [] }, "There is no placement; give at least one instance type and region."],
    ["name", { name: "x".repeat(65) }, "The name is longer than the 64 characters that Lambda takes."],
    [
      "hostname",
      { hostname: "-a" },
      "The host name may have lower-case letters, digits and dashes, at most 63, and starts with no dash.",
    ],
    [
      "tags",
      { tags: { Bad_Key: "v" } },
      "The tag key Bad_Key may have 2 to 55 lower-case letters, digits, dashes and colons, starts with a letter, and not with lambda-ai-.",
    ],
    [
      "tags",
      { tags: { key: "v".repeat(129) } },
      "The value of the tag key is longer than the 128 characters that Lambda takes.",
    ],
    [
      "fileSystems",
      { fileSystems: [{ id: "f", name: "models", region: "us-east-1", mountPoint: "/mnt" }] },
      "The mount point /mnt of models is not below /home, /lambda/nfs or /data.",
    ],
    [
      "placements",
      { fileSystems: [{ id: "f", name: "models", region: "us-west-1" }] },
      "No placement is in the region of every file system (models in us-west-1); add that region.",
    ],
    [
      "",
      { userData: "é".repeat(500_001) },
      "The user data is larger than the 1,000,000 bytes that Lambda takes.",
    ],
  ])("%s", (property, change, reason) => {
    expect(checkInstance({ ...inputs, ...change })).toEqual([{ property, reason }]);
  });

  test("what is not known yet is not judged", () => {
    const unknown = UNKNOWN as unknown;
    const news = { ...inputs, name: unknown, placements: unknown, tags: unknown, userData: unknown };
    expect(checkInstance(news as InstanceInputs)).toEqual([]);
  });
});

describe("diff", () => {
  const outs = (change: Partial<InstanceOutputs> = {}): InstanceOutputs =>
    ({ ...inputs, instanceType: "gpu_1x_a10", region: "us-east-1", ...change }) as InstanceOutputs;

  test.each<[string, Partial<InstanceInputs>]>([
    ["sshKeyName", { sshKeyName: "key2" }],
    ["image", { image: { family: "ubuntu-24-04" } }],
    ["hostname", { hostname: "h" }],
    ["userData", { userData: "u" }],
    ["fileSystems", { fileSystems: [{ id: "fs", name: "models", region: "us-east-1" }] }],
    ["firewallRulesets", { firewallRulesets: [{ id: "fw", region: "us-east-1" }] }],
    ["tags", { tags: { key: "v" } }],
    ["placements", { placements: [{ instanceType: "gpu_1x_a10", region: "us-west-1" }] }],
  ])("%s forces a replacement", (key, change) => {
    expect(diffInstance(outs(), { ...inputs, ...change })).toEqual({
      changes: true,
      replaces: [key],
      deleteBeforeReplace: false,
    });
    expect(diffInstance(outs(), { ...inputs, [key]: UNKNOWN }).changes).toBe(true);
  });

  test("a rename, or another list with the present placement in it, is done in place", () => {
    const placements = [{ instanceType: "gpu_8x_h100", region: "x" }, ...inputs.placements].reverse();
    for (const change of [{ name: "new" }, { placements }, { replacement: "delete-first" as const }]) {
      expect(diffInstance(outs(), { ...inputs, ...change })).toMatchObject({ changes: true, replaces: [] });
    }
  });

  test("the rulesets of other regions are no concern of a running instance", () => {
    const firewallRulesets = [{ id: "fw", region: "us-west-1" }];
    expect(diffInstance(outs(), { ...inputs, firewallRulesets })).toMatchObject({ replaces: [] });
  });

  test("the order of a replacement is a choice", () => {
    const news = { ...inputs, sshKeyName: "key2", replacement: "delete-first" as const };
    expect(diffInstance(outs(), news).deleteBeforeReplace).toBe(true);
  });

  test("neither another order of keys, nor null for absent, nor other code is a change", () => {
    const shuffled = fc
      .shuffledSubarray(Object.keys(inputs), { minLength: Object.keys(inputs).length })
      .map((keys) => Object.fromEntries(keys.map((key) => [key, inputs[key as keyof InstanceInputs]])));
    fc.assert(
      fc.property(shuffled, fc.constantFrom(undefined, null), (news, nothing) => {
        const absent = { hostname: nothing, tags: nothing, userData: nothing, __provider: "new code" };
        expect(diffInstance(outs(), { ...news, ...absent } as unknown as InstanceInputs)).toEqual({
          changes: false,
          replaces: [],
          deleteBeforeReplace: false,
        });
      }),
    );
  });
});

describe("not ready", () => {
  test("an instance that boots too long stays in state, and update goes on waiting", async () => {
    const cloud = new FakeCloud();
    cloud.born = { status: "booting" };
    const error = await initializationFailure(new InstanceHandlers(cloud.context()).create(inputs));
    expect(error).toMatchObject({
      id: "i-1",
      properties: { name: inputs.name, instanceType: "gpu_1x_a10", __provider: "code" },
      reasons: [
        "local-node-0a1b2c3d: the instance i-1 is booting, not active, after 20 minutes. Run the command again to go on waiting, or replace it.",
      ],
    });
    const olds = error.properties as InstanceOutputs;
    expect(diffInstance(olds, inputs).replaces).toEqual([]);
    cloud.patch("i-1", { status: "active", ip: "198.51.100.9" });
    const { outs } = await new InstanceHandlers(cloud.context()).update("i-1", olds, inputs);
    expect(outs).toMatchObject({ ip: "198.51.100.9", __provider: "code" });
  });

  test("more GPUs get more time", async () => {
    const cloud = new FakeCloud();
    cloud.born = { status: "unhealthy" };
    const context = cloud.context();
    const news = { ...inputs, placements: [{ instanceType: "gpu_8x_a100", region: "us-east-1" }] };
    const error = await initializationFailure(new InstanceHandlers(context).create(news));
    expect(error.reasons[0]).toContain("is unhealthy, not active, after 40 minutes");
    expect(context.clock.now()).toBeLessThan(41 * MINUTE);
  });

  test("active without an address is not ready", async () => {
    const cloud = new FakeCloud();
    cloud.born = { status: "active" };
    await initializationFailure(new InstanceHandlers(cloud.context()).create(inputs));
  });

  test("an API that fails after the launch loses nothing, and does not make it move", async () => {
    const cloud = new FakeCloud();
    cloud.getInstance = () => Promise.reject(refused("global/invalid-api-key", 401));
    const error = await initializationFailure(new InstanceHandlers(cloud.context()).create(inputs));
    expect(error).toMatchObject({ id: "i-1", properties: inputs });
    expect(diffInstance(error.properties as InstanceOutputs, inputs)).toMatchObject({ replaces: [] });
  });

  test("an instance that is not to be seen stays in state", async () => {
    const cloud = new FakeCloud();
    cloud.getInstance = () => Promise.resolve(undefined);
    const error = await initializationFailure(new InstanceHandlers(cloud.context()).create(inputs));
    expect(error.message).toBe(
      "local-node-0a1b2c3d: the instance i-1 is not there. Run the command again to go on waiting, with --refresh to launch another.",
    );
  });

  test("an update that fails keeps what was known", async () => {
    const { cloud, handlers, id, outs } = await running();
    cloud.getInstance = () => Promise.reject(new Error("down"));
    const error = await initializationFailure(handlers.update(id, outs, inputs));
    expect(error.properties).toMatchObject({ ip: outs.ip, instanceType: outs.instanceType });
  });

  test("an instance that dies while it boots leaves nothing in state", async () => {
    const cloud = new FakeCloud();
    cloud.born = { status: "terminated" };
    await expect(new InstanceHandlers(cloud.context()).create(inputs)).rejects.toThrow(
      new Error(
        "local-node-0a1b2c3d: the instance i-1 is terminated. Run the command again: it launches another.",
      ),
    );
  });

  test("an update of an instance that has died says how to get another", async () => {
    const { cloud, handlers, id, outs } = await running();
    cloud.patch(id, { status: "preempted" });
    await expect(handlers.update(id, outs, inputs)).rejects.toThrow(
      new Error(
        "local-node-0a1b2c3d: the instance i-1 is preempted. Run the command again with --refresh: it launches another.",
      ),
    );
  });
});

describe("adopt", () => {
  const adopting = { ...inputs, adopt: "i-1" };

  test("an instance that fits is taken over under its new name, and nothing is launched", async () => {
    const cloud = new FakeCloud();
    cloud.make({ name: "by hand" });
    const handlers = new InstanceHandlers(cloud.context());
    expect((await handlers.check({}, adopting)).failures).toEqual([]);
    expect(await handlers.create(adopting)).toMatchObject({ id: "i-1", outs: { region: "us-east-1" } });
    expect(cloud.log).toEqual(["rename i-1 to local-node-0a1b2c3d"]);
  });

  test.each([
    ["There is no living instance of this id.", { status: "terminated" as const }],
    [
      "The instance is a gpu_2x_b200 in us-east-1; add this to the placements.",
      { instance_type: instanceType("gpu_2x_b200") },
    ],
    ["The instance has the SSH keys other; expected key.", { ssh_key_names: ["other"] }],
  ])("%s", async (reason, change) => {
    const cloud = new FakeCloud();
    cloud.make({ name: "by hand" }, change);
    const handlers = new InstanceHandlers(cloud.context());
    expect((await handlers.check({}, adopting)).failures).toEqual([{ property: "adopt", reason }]);
    await expect(handlers.create(adopting)).rejects.toThrow(
      new Error(`local-node-0a1b2c3d: i-1 cannot be adopted. ${reason}`),
    );
  });

  test("replacing an adopted instance launches another", async () => {
    const cloud = new FakeCloud();
    cloud.make({ name: "by hand" });
    const handlers = new InstanceHandlers(cloud.context());
    await handlers.check(adopting, adopting);
    expect((await handlers.create(adopting)).id).toBe("i-2");
  });
});

describe("read", () => {
  test("tells what is there", async () => {
    const { cloud, handlers, id, outs } = await running();
    cloud.patch(id, { ip: "198.51.100.7", name: "renamed by hand" });
    await expect(handlers.read(id, outs)).resolves.toEqual({
      id,
      props: { ...outs, ip: "198.51.100.7", name: "renamed by hand" },
    });
  });

  test("gone is what the API says is gone, never what it fails to say", async () => {
    const { cloud, handlers, id, outs } = await running();
    cloud.patch(id, { status: "terminated" });
    await expect(handlers.read(id, outs)).resolves.toMatchObject({ id: "" });
    cloud.getInstance = () => Promise.reject(refused("global/account-inactive", 403));
    await expect(handlers.read(id, outs)).rejects.toThrow("global/account-inactive");
  });
});

test("update renames in place", async () => {
  const { cloud, handlers, id, outs } = await running();
  const { outs: renamed } = await handlers.update(id, outs, { ...inputs, name: "new" });
  expect(renamed.name).toBe("new");
  expect(cloud.log).toEqual(["launch gpu_1x_a10 in us-east-1", "rename i-1 to new"]);
});

describe("delete", () => {
  test("terminates, waits until it is gone, and may be repeated", async () => {
    const { cloud, handlers, id } = await running();
    await handlers.delete(id);
    await handlers.delete(id);
    cloud.instances.clear();
    await handlers.delete(id);
    expect(cloud.log.filter((line) => line.startsWith("terminate"))).toEqual(["terminate i-1"]);
  });

  test("an error of the termination does not matter when it worked", async () => {
    const { cloud, handlers, id } = await running();
    cloud.terminate = () => {
      cloud.patch(id, { status: "terminated" });
      return Promise.reject(refused("global/unknown"));
    };
    await handlers.delete(id);
  });

  test("an error of the termination is the user's to see when it did not work", async () => {
    const { cloud, handlers, id } = await running();
    cloud.terminate = () => Promise.reject(refused("global/unknown"));
    await expect(handlers.delete(id)).rejects.toThrow("global/unknown");
  });

  test("an instance that does not go away is reported after 15 minutes", async () => {
    const { cloud, handlers, id } = await running();
    cloud.terminate = () => Promise.resolve(void cloud.patch(id, { status: "terminating" }));
    await expect(handlers.delete(id)).rejects.toThrow(
      new Error(
        "instance i-1: it is still terminating 15 minutes after its termination was asked for. Look at it in the Lambda Cloud console.",
      ),
    );
  });
});
