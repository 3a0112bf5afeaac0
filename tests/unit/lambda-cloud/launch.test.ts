import { InstanceHandlers } from "../../../components/lambda-cloud/instance";
import type { InstanceInputs } from "../../../components/lambda-cloud/instancePlan";
import type { LaunchRequest } from "../../../components/lambda-cloud/schemas";
import { ambiguous, FakeCloud, inputs, refused } from "./fakeCloud";

/** Every create starts from handlers of its own, as it does in a process of its own. */
const create = (cloud: FakeCloud, news: InstanceInputs = inputs) =>
  new InstanceHandlers(cloud.context()).create(news);
const tagsOf = (cloud: FakeCloud, id: string) =>
  Object.fromEntries((cloud.instances.get(id)?.tags ?? []).map(({ key, value }) => [key, value]));
const NO_CAPACITY = "instance-operations/launch/insufficient-capacity";

let warn: jest.SpyInstance;
beforeEach(() => (warn = jest.spyOn(console, "warn").mockImplementation()));
afterEach(() => {
  warn.mockRestore();
});

test("a first launch takes the first placement and leaves its mark", async () => {
  const cloud = new FakeCloud();
  const { id, outs } = await create(cloud, { ...inputs, tags: { "sophia-node": "n1" } });
  // Strictly: a key that is undefined breaks the engine's protocol.
  expect(outs).toStrictEqual({
    ...inputs,
    tags: { "sophia-node": "n1" },
    instanceType: "gpu_1x_a10",
    region: "us-east-1",
    ip: "198.51.100.2",
    hourlyPriceUsd: 1.29,
    gpus: 1,
    vcpus: 30,
    memoryGib: 200,
    architecture: "amd64",
    schemaVersion: 1,
  });
  expect(tagsOf(cloud, id)).toEqual({
    "sophia-node": "n1",
    "managed-by": "pulumi",
    "sophia-launch": expect.stringMatching(/^[0-9a-f]{16}$/) as string,
  });
});

test("a run that was cut off before its state was written: the next one takes the instance over", async () => {
  const cloud = new FakeCloud();
  const first = await create(cloud);
  const second = await create(cloud);
  expect(second.id).toBe(first.id);
  expect(cloud.log).toEqual(["launch gpu_1x_a10 in us-east-1"]);
});

test.each([
  ["another SSH key", { sshKeyName: "key2" }],
  ["other user data", { userData: "#cloud-config" }],
  ["other tags", { tags: { "sophia-node": "n2" } }],
  ["no common placement", { placements: [{ instanceType: "gpu_8x_a100", region: "us-east-1" }] }],
])("an instance of the same name with %s is another one", async (_what, change: Partial<InstanceInputs>) => {
  const cloud = new FakeCloud();
  const old = await create(cloud);
  const { id } = await create(cloud, { ...inputs, ...change });
  expect(id).not.toBe(old.id);
  expect(cloud.alive()).toEqual([old.id, id]);
});

test("a replacement by one just like it keeps the machine", async () => {
  const cloud = new FakeCloud();
  const old = await create(cloud);
  const handlers = new InstanceHandlers(cloud.context());
  const { id } = await handlers.create(inputs);
  await handlers.delete(old.id);
  expect(cloud.alive()).toEqual([id]);
  expect(warn).toHaveBeenCalledWith(
    'instance i-1: it is kept, because its replacement is just like it and has taken it over. To get another machine, give the instance replacement: "delete-first" and run the command again.',
  );
});

test("delete-first: the predecessor goes, then another is launched", async () => {
  const cloud = new FakeCloud();
  const old = await create(cloud);
  const handlers = new InstanceHandlers(cloud.context());
  await handlers.delete(old.id);
  const { id } = await handlers.create(inputs);
  expect(cloud.alive()).toEqual([id]);
  expect(cloud.log).toHaveLength(3);
});

test.each(["terminated", "terminating", "preempted"] as const)(
  "one that is %s is not taken over",
  async (status) => {
    const cloud = new FakeCloud();
    const old = await create(cloud);
    cloud.patch(old.id, { status });
    expect((await create(cloud)).id).not.toBe(old.id);
  },
);

test("without room in one placement the next is tried", async () => {
  const cloud = new FakeCloud();
  cloud.launches = [
    () => {
      throw refused(NO_CAPACITY);
    },
  ];
  const { outs } = await create(cloud);
  expect(outs).toMatchObject({ instanceType: "gpu_8x_a100", gpus: 8, hourlyPriceUsd: 10.32 });
});

test("placements without listed capacity cost no launch, and no capacity at all is an error", async () => {
  const cloud = new FakeCloud();
  cloud.types = {};
  await expect(create(cloud)).rejects.toThrow(
    "local-node-0a1b2c3d: Lambda has no capacity (tried 0 of 2 placements); expected room for one of gpu_1x_a10 in us-east-1, gpu_8x_a100 in us-east-1. Add instance types or regions, or try again later.",
  );
  expect(cloud.log).toEqual([]);
});

test("another refusal ends it at once, and nothing is launched elsewhere", async () => {
  const cloud = new FakeCloud();
  cloud.launches = [
    () => {
      throw refused("global/quota-exceeded");
    },
  ];
  await expect(create(cloud)).rejects.toThrow(
    "Lambda Cloud: POST /instance-operations/launch: No [global/quota-exceeded, HTTP 400].",
  );
  expect(cloud.log).toHaveLength(1);
});

test.each([
  ["an error", (launch: () => string) => (launch(), raise(ambiguous()))],
  ["no id", (launch: () => string) => (launch(), [])],
])("a launch that answers with %s but succeeded is found by its name", async (_what, behaviour) => {
  const cloud = new FakeCloud();
  cloud.launches = [behaviour];
  const { id } = await create(cloud);
  expect(cloud.alive()).toEqual([id]);
  expect(cloud.log).toHaveLength(1);
});

test("a launch whose instance shows up late is waited for", async () => {
  const cloud = new FakeCloud();
  const context = cloud.context();
  cloud.launches = [() => raise(ambiguous())];
  const list = cloud.listInstances;
  let hash: string | undefined;
  cloud.launch = async (request) => {
    cloud.log.push("launch");
    hash = request.tags?.find(({ key }) => key === "sophia-launch")?.value;
    return Promise.reject(ambiguous());
  };
  cloud.listInstances = () => {
    const tags = [{ key: "sophia-launch", value: hash ?? "" }];
    if (context.clock.now() >= 170_000 && cloud.instances.size === 0) cloud.make({ name: inputs.name, tags });
    return list();
  };
  const { id } = await new InstanceHandlers(context).create(inputs);
  expect(cloud.alive()).toEqual([id]);
  expect(cloud.log).toEqual(["launch"]);
});

test("a launch that certainly failed is made once more, and then given up", async () => {
  const cloud = new FakeCloud();
  cloud.launches = [() => raise(ambiguous())];
  const { id } = await create(cloud);
  expect(cloud.alive()).toEqual([id]);

  const dead = new FakeCloud();
  dead.launches = [() => raise(ambiguous()), () => raise(ambiguous())];
  await expect(create(dead)).rejects.toThrow(
    "local-node-0a1b2c3d: it is not known whether its creation succeeded; nothing of this name has appeared. Look for it in the Lambda Cloud console, then run the command again: it takes over what has this name.",
  );
  expect(dead.log).toHaveLength(2);
});

test("while the list cannot be read nothing is launched again", async () => {
  const cloud = new FakeCloud();
  const list = cloud.listInstances;
  cloud.launches = [
    (launch) => {
      launch();
      cloud.listInstances = () => Promise.reject(new Error("down"));
      return [];
    },
  ];
  await expect(create(cloud)).rejects.toThrow(
    "local-node-0a1b2c3d: it is not known whether its creation succeeded, and the list cannot be read (down). Run the command again: it takes over what has this name.",
  );
  cloud.listInstances = list;
  await create(cloud);
  expect(cloud.log).toHaveLength(1);
});

test("of two launches of one resource one stays", async () => {
  const cloud = new FakeCloud();
  cloud.launches = [(launch) => (launch(), launch(), raise(ambiguous()))];
  const { id } = await create(cloud);
  expect(cloud.alive()).toEqual([id]);
  expect(warn).toHaveBeenCalledWith("local-node-0a1b2c3d: launched twice; keeping i-1, terminating i-2.");
});

describe("room", () => {
  const room = (cloud: FakeCloud, type: string) => cloud.types[type]?.regions_with_capacity_available ?? [];

  test("is waited for as long as the inputs say", async () => {
    const cloud = new FakeCloud();
    const context = cloud.context();
    const types = cloud.types;
    cloud.types = {};
    cloud.listInstanceTypes = () => Promise.resolve(context.clock.now() >= 5 * 60_000 ? types : cloud.types);
    const handlers = new InstanceHandlers(context);
    await expect(handlers.create({ ...inputs, capacityTimeoutMinutes: 4 })).rejects.toThrow(
      "Lambda has no capacity",
    );
    expect(cloud.log).toEqual([]);
    const { id } = await handlers.create({ ...inputs, capacityTimeoutMinutes: 4 });
    expect(cloud.alive()).toEqual([id]);
  });

  test("is looked for only where the file systems are, and the instance gets the rulesets of its region", async () => {
    const cloud = new FakeCloud();
    const requests: LaunchRequest[] = [];
    const launch = cloud.launch;
    cloud.launch = (request) => (requests.push(request), launch(request));
    room(cloud, "gpu_1x_a10").push({ name: "us-west-1", description: "" });
    await new InstanceHandlers(cloud.context()).create({
      ...inputs,
      placements: ["us-east-1", "us-west-1"].map((region) => ({ instanceType: "gpu_1x_a10", region })),
      fileSystems: [
        { id: "f-1", name: "models", region: "us-west-1" },
        { id: "f-2", name: "data", region: "us-west-1", mountPoint: "/data/all" },
      ],
      firewallRulesets: ["us-east-1", "us-west-1"].map((region) => ({ id: `r-${region}`, region })),
    });
    expect(requests).toMatchObject([
      {
        region_name: "us-west-1",
        file_system_names: ["models"],
        file_system_mounts: [{ file_system_id: "f-2", mount_point: "/data/all" }],
        firewall_rulesets: [{ id: "r-us-west-1" }],
      },
    ]);
  });
});

function raise(error: Error): never {
  throw error;
}
