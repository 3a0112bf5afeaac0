import {
  findOwned,
  heldBy,
  leftOver,
  removeLeftover,
  type Held,
} from "../../../components/lambda-cloud/janitor";
import { ownedName } from "../../../components/lambda-cloud/naming";
import { SimulatedAccount } from "../../support/simulatedAccount";

const owner = { project: "sophia-ai", stack: "prod" };
const leftovers = async (held: Held) => leftOver(await findOwned(client, "sophia-ai"), held);

let account: SimulatedAccount;
let client: ReturnType<SimulatedAccount["context"]>["client"];

beforeEach(async () => {
  account = new SimulatedAccount();
  await account.start();
  ({ client } = account.context());
  account.cloud.state.sshKeys.push({ id: "a".repeat(32), name: "key", public_key: "ssh-ed25519 AAAA" });
});
afterEach(() => account.stop());

const launch = async (name: string): Promise<string> => {
  const [id] = await client.launch({
    name,
    region_name: "us-east-1",
    instance_type_name: "gpu_1x_a10",
    ssh_key_names: ["key"],
  });
  return id ?? "";
};

/** An exported state that holds a resource, or is making one. */
const stack = (resource: object, key: "resources" | "pending_operations" = "resources") => ({
  deployment: {
    [key]: [key === "resources" ? resource : { type: "creating", resource }],
  },
});
const INSTANCE = "pulumi-nodejs:dynamic/lambda:Instance";

test("what is the project's and in no state is found and removed, of every kind, and nothing else", async () => {
  const name = (logicalName: string) => ownedName(owner, logicalName);
  const held = await launch(name("held"));
  const lost = await launch(name("lost"));
  await launch("somebody-elses");
  await launch(ownedName({ ...owner, project: "other" }, "lost"));
  const ruleset = await client.createFirewallRuleset({ name: name("nodes"), region: "us-east-1", rules: [] });
  const fileSystem = await client.createFileSystem(name("models"), "us-east-1");
  account.cloud.state.sshKeys.push({ id: "b".repeat(32), name: name("key"), public_key: "ssh-ed25519 BBBB" });

  const found = await leftovers(heldBy([stack({ type: INSTANCE, id: held })]));
  expect(found).toEqual([
    { kind: "instance", id: lost, name: name("lost"), hourlyPriceUsd: 1.29, isPending: false },
    { kind: "firewall ruleset", id: ruleset.id, name: name("nodes"), isPending: false },
    { kind: "SSH key", id: "b".repeat(32), name: name("key"), isPending: false },
    { kind: "file system", id: fileSystem.id, name: name("models"), isPending: false },
  ]);
  for (const one of found) await removeLeftover(client, one);
  expect((await leftovers(heldBy([]))).map(({ id }) => id)).toEqual([held]);
  expect(account.alive()).toHaveLength(3);
});

test("what an update is making is said to be pending", async () => {
  const name = ownedName(owner, "gpu-1");
  await launch(name);
  const pending = heldBy([stack({ type: INSTANCE, inputs: { name } }, "pending_operations")]);
  expect(await leftovers(pending)).toMatchObject([{ name, isPending: true }]);
});

test("other resources and empty stacks hold nothing; what is no state is refused", () => {
  const other = stack({ type: "kubernetes:core/v1:Secret", id: "x", inputs: { data: {} } });
  expect(heldBy([other, { deployment: {} }, { deployment: { resources: null } }])).toEqual({
    ids: new Set(),
    pendingNames: new Set(),
  });
  expect(() => heldBy([{}])).toThrow();
});
