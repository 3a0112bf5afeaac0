import { FileSystemHandlers, type FileSystemInputs } from "../../../components/lambda-cloud/fileSystem";
import { InstanceHandlers } from "../../../components/lambda-cloud/instance";
import { SimulatedAccount } from "../../support/simulatedAccount";

const CREATE = "POST /filesystems";
const inputs: FileSystemInputs = { name: "models", region: "us-east-1", __provider: "code" };

let account: SimulatedAccount;
let handlers: FileSystemHandlers;

beforeEach(async () => {
  account = new SimulatedAccount();
  await account.start();
  handlers = new FileSystemHandlers(account.context());
});
afterEach(() => account.stop());

const names = (): string[] => account.cloud.state.fileSystems.map(({ name }) => name);

test("a file system is made, read and deleted", async () => {
  const { id, outs } = await handlers.create(inputs);
  expect(outs).toEqual({ ...inputs, mountPoint: "/lambda/nfs/models", schemaVersion: 1 });
  expect(await handlers.read(id, outs)).toEqual({ id, props: outs });
  await handlers.delete(id, outs);
  expect(names()).toEqual([]);
  expect((await handlers.read(id, outs)).id).toBe("");
  await handlers.delete(id, outs); // gone already
});

test.each(["commit-drop", "drop", "commit-error", "commit-garbage", "unavailable"] as const)(
  "%s leaves exactly one",
  async (kind) => {
    account.fault({ route: CREATE, fault: { kind } });
    const { id } = await handlers.create(inputs);
    expect(account.cloud.state.fileSystems.map((made) => made.id)).toEqual([id]);
  },
);

test("one that a run made which was cut off is taken over; another region's is not", async () => {
  const { id } = await handlers.create(inputs);
  const next = new FileSystemHandlers(account.context());
  expect((await next.create(inputs)).id).toBe(id);
  await expect(next.create({ ...inputs, region: "us-west-1" })).rejects.toThrow(
    new Error(
      "file system models: the account has one of this name in us-east-1; expected us-west-1. Choose another name or that region.",
    ),
  );
});

test("name and region force a replacement, nothing else is a change", async () => {
  const { id, outs } = await handlers.create(inputs);
  expect(await handlers.diff(id, outs, { ...inputs, name: "data" })).toEqual({
    changes: true,
    replaces: ["name"],
    deleteBeforeReplace: false,
  });
  expect(await handlers.diff(id, outs, { ...inputs, region: "us-west-1" })).toEqual({
    changes: true,
    replaces: ["region"],
    deleteBeforeReplace: true,
  });
  expect((await handlers.diff(id, outs, { ...inputs, __provider: "new code" })).changes).toBe(false);
});

test.each([
  ["1models", "The name may have letters, digits and dashes, at most 60, and starts with a letter."],
  ["m".repeat(61), "The name may have letters, digits and dashes, at most 60, and starts with a letter."],
])("the name %s is refused", async (name, reason) => {
  expect((await handlers.check(undefined, { ...inputs, name })).failures).toEqual([
    { property: "name", reason },
  ]);
});

test("adoption takes what is there if it fits", async () => {
  const { id } = await handlers.create(inputs);
  const adopter = new FileSystemHandlers(account.context());
  const adopting = { ...inputs, adopt: id };
  expect((await adopter.check(undefined, adopting)).failures).toEqual([]);
  expect((await adopter.create(adopting)).id).toBe(id);
  const misfits: [Partial<FileSystemInputs>, string][] = [
    [{ adopt: "f".repeat(32) }, "There is no file system of this id."],
    [{ name: "data" }, "The file system is named models, which cannot change; expected data."],
    [{ region: "us-west-1" }, "The file system is in us-east-1; expected us-west-1."],
  ];
  for (const [change, reason] of misfits) {
    expect((await adopter.check(undefined, { ...adopting, ...change })).failures).toEqual([
      { property: "adopt", reason },
    ]);
  }
});

test("deletion waits for the last instance to let go, and refuses while one lives", async () => {
  const { id, outs } = await handlers.create(inputs);
  account.cloud.state.sshKeys.push({ id: "k", name: "key", public_key: "ssh-ed25519 AAAA" });
  const instances = new InstanceHandlers(account.context());
  const machine = await instances.create({
    name: "gpu-1",
    sshKeyName: "key",
    placements: [
      { instanceType: "gpu_1x_a10", region: "us-west-1" },
      { instanceType: "gpu_1x_a10", region: "us-east-1" },
    ],
    fileSystems: [{ id, name: "models", region: "us-east-1" }],
  });
  expect(machine.outs.region).toBe("us-east-1"); // the file system pins the region
  await expect(handlers.delete(id, outs)).rejects.toThrow(
    new Error(
      "file system models: it is in use by gpu-1; expected no instance to use it. Terminate them, and run the command again.",
    ),
  );
  await instances.delete(machine.id);
  await handlers.delete(id, outs);
  expect(names()).toEqual([]);
});
