import { SshKeyHandlers } from "../../../components/lambda-cloud/sshKey";
import type { GeneratedSshKey, SshKey } from "../../../components/lambda-cloud/schemas";
import { refused } from "./fakeCloud";
import { VirtualClock } from "./virtualClock";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const inputs = { name: "prod", publicKey: "ssh-ed25519 AAAA me@laptop", __provider: "code" };

class FakeKeys {
  keys: SshKey[] = [];
  added = 0;
  listSshKeys = (): Promise<SshKey[]> => Promise.resolve(this.keys);
  addSshKey = (name: string, publicKey?: string): Promise<GeneratedSshKey> => {
    const key = { id: `k-${++this.added}`, name, public_key: publicKey ?? "ssh-rsa made" };
    this.keys.push(key);
    return Promise.resolve(publicKey === undefined ? { ...key, private_key: "private" } : key);
  };
  deleteSshKey = (id: string): Promise<void> => {
    this.keys = this.keys.filter((key) => key.id !== id);
    return Promise.resolve();
  };
}

const setUp = () => {
  const client = new FakeKeys();
  return {
    client,
    handlers: new SshKeyHandlers({
      client,
      clock: new VirtualClock(),
      settings: { pollIntervalMs: 5_000, settleMs: 180_000 },
    }),
  };
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

describe("a pair that the API makes", () => {
  const wanted = { name: "prod", __provider: "code" };

  test("gives its private half, and is no change afterwards", async () => {
    const { handlers } = setUp();
    const { id, outs } = await handlers.create(wanted);
    expect(outs).toEqual({ ...wanted, publicKey: "ssh-rsa made", privateKey: "private" });
    expect((await handlers.diff(id, outs, wanted)).changes).toBe(false);
    expect((await handlers.diff(id, outs, inputs)).replaces).toEqual(["publicKey"]);
  });

  test("is made anew when the answer with the private half was lost", async () => {
    const { client, handlers } = setUp();
    const add = client.addSshKey;
    client.addSshKey = async (name, publicKey) => {
      client.addSshKey = add;
      await add(name, publicKey);
      throw refused("global/internal-error", 500);
    };
    expect((await handlers.create(wanted)).outs.privateKey).toBe("private");
    expect(client.keys).toHaveLength(1);
  });

  test("is not taken over: nobody knows its private half", async () => {
    const { client, handlers } = setUp();
    client.keys = [{ id: "k-0", name: "prod", public_key: "ssh-rsa made" }];
    await expect(handlers.create(wanted)).rejects.toThrow(
      new Error(
        "SSH key prod: the account has a key of this name, and nobody but its maker knows its private half. Delete it in the Lambda Cloud console, or choose another name.",
      ),
    );
  });
});

test("adoption takes the key of an id if it fits", async () => {
  const { client, handlers } = setUp();
  client.keys = [{ id: "k-0", name: "prod", public_key: "ssh-ed25519 AAAA someone@else" }];
  const adopting = { ...inputs, adopt: "k-0" };
  expect((await handlers.check(undefined, adopting)).failures).toEqual([]);
  expect((await handlers.create(adopting)).id).toBe("k-0");
  for (const [change, reason] of [
    [{ adopt: "k-9" }, "There is no SSH key of this id."],
    [{ name: "new" }, "The SSH key is named prod, which cannot change; expected new."],
    [{ publicKey: "ssh-ed25519 BBBB" }, "The SSH key is another one; give its own public key."],
  ] as const) {
    const { failures } = await handlers.check(undefined, { ...adopting, ...change });
    expect(failures).toEqual([{ property: "adopt", reason }]);
  }
});
