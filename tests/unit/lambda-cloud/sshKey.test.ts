import { SshKeyHandlers } from "../../../components/lambda-cloud/sshKey";
import type { SshKey } from "../../../components/lambda-cloud/schemas";
import { refused } from "./fakeCloud";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const inputs = { name: "prod", publicKey: "ssh-ed25519 AAAA me@laptop", __provider: "code" };

class FakeKeys {
  keys: SshKey[] = [];
  added = 0;
  listSshKeys = (): Promise<SshKey[]> => Promise.resolve(this.keys);
  addSshKey = (name: string, publicKey: string): Promise<SshKey> => {
    const key = { id: `k-${++this.added}`, name, public_key: publicKey };
    this.keys.push(key);
    return Promise.resolve(key);
  };
  deleteSshKey = (id: string): Promise<void> => {
    this.keys = this.keys.filter((key) => key.id !== id);
    return Promise.resolve();
  };
}

const setUp = () => {
  const client = new FakeKeys();
  return { client, handlers: new SshKeyHandlers({ client }) };
};

test("a key is added, read and deleted", async () => {
  const { client, handlers } = setUp();
  const { id, outs } = await handlers.create(inputs);
  expect({ id, outs }).toEqual({ id: "k-1", outs: inputs });
  await expect(handlers.read(id, outs)).resolves.toEqual({ id, props: outs });
  await handlers.delete(id);
  expect(client.keys).toEqual([]);
  await expect(handlers.read(id, outs)).resolves.toEqual({ id: "", props: outs });
});

test("the same key of the same name is taken over, whatever its comment", async () => {
  const { client, handlers } = setUp();
  client.keys = [{ id: "k-0", name: "prod", public_key: "ssh-ed25519 AAAA someone@else" }];
  expect((await handlers.create(inputs)).id).toBe("k-0");
  expect(client.added).toBe(0);
  // A replacement by a key just like it: what create took over, the deletion of the predecessor leaves alone.
  await handlers.delete("k-0");
  expect(client.keys).toHaveLength(1);
});

test("another key of the same name is refused", async () => {
  const { client, handlers } = setUp();
  client.keys = [{ id: "k-0", name: "prod", public_key: "ssh-ed25519 BBBB" }];
  await expect(handlers.create(inputs)).rejects.toThrow(
    new Error(
      "SSH key prod: the account has another key of this name. Delete it in the Lambda Cloud console, or choose another name.",
    ),
  );
});

test("a failed add that added is no failure, one that did not is", async () => {
  const { client, handlers } = setUp();
  const add = client.addSshKey;
  client.addSshKey = async (name, publicKey) => {
    await add(name, publicKey);
    throw refused("global/internal-error", 500);
  };
  expect((await handlers.create(inputs)).id).toBe("k-1");
  client.keys = [];
  client.addSshKey = () => Promise.reject(refused("global/invalid-parameters"));
  await expect(handlers.create(inputs)).rejects.toThrow("global/invalid-parameters");
});

test.each([
  ["the comment", { publicKey: "ssh-ed25519 AAAA other" }, [], false],
  ["the name", { name: "new" }, ["name"], false],
  ["the key", { publicKey: "ssh-ed25519 BBBB" }, ["publicKey"], true],
  ["a key that is not known yet", { publicKey: UNKNOWN }, ["publicKey"], true],
])("a change of %s", async (_what, change, replaces, deleteBeforeReplace) => {
  const { handlers } = setUp();
  const diff = await handlers.diff("k-1", inputs, { ...inputs, ...change });
  expect(diff).toMatchObject({ changes: replaces.length > 0, replaces });
  if (replaces.length > 0) expect(diff.deleteBeforeReplace).toBe(deleteBeforeReplace);
});

test("check", async () => {
  const { handlers } = setUp();
  const bad = { name: "", publicKey: "-----BEGIN OPENSSH PRIVATE KEY-----" };
  expect((await handlers.check({}, bad)).failures).toEqual([
    { property: "name", reason: "The name must have 1 to 64 characters." },
    { property: "", reason: "The public key is not an OpenSSH public key." },
  ]);
  for (const publicKey of [
    "ssh-rsa AAAA",
    "ecdsa-sha2-nistp256 AAAA",
    "sk-ssh-ed25519@openssh.com AAAA",
    UNKNOWN,
  ]) {
    expect((await handlers.check({}, { name: UNKNOWN, publicKey })).failures).toEqual([]);
  }
});
