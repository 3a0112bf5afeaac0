/** The simulated Lambda Cloud: every answer here is also checked against the official OpenAPI document. */
import type {
  FileSystem,
  FirewallRuleset,
  Instance,
  InstanceTypes,
  SshKey,
} from "../../../components/lambda-cloud/schemas";
import { Fixture, PUBLIC_KEY, refusal } from "./fixture";

let f: Fixture;
beforeEach(async () => {
  f = await Fixture.withKey();
});
afterEach(() => f.dispose());

describe("an instance", () => {
  test("boots in two minutes, has its address before, and is forgotten after its end", async () => {
    const id = await f.launched({
      name: "one",
      hostname: "one",
      tags: [{ key: "managed-by", value: "test" }],
    });
    expect(await f.show(id)).toMatchObject({
      name: "one",
      status: "booting",
      tags: [{ key: "managed-by", value: "test" }],
    });
    expect(await f.show(id)).not.toHaveProperty("ip");
    f.clock.advance(25);
    expect(await f.show(id)).toMatchObject({ status: "booting", ip: "198.51.100.2" });
    f.clock.advance(100);
    expect(await f.show(id)).toMatchObject({ status: "active", hostname: "one" });
    const ended = await f.data<{ terminated_instances: Instance[] }>(
      "POST",
      "/instance-operations/terminate",
      { instance_ids: [id] },
    );
    expect(ended.terminated_instances.map(({ status }) => status)).toEqual(["terminating"]);
    f.clock.advance(62);
    expect((await f.show(id)).status).toBe("terminated");
    f.clock.advance(30);
    expect(await refusal(f.call("GET", `/instances/${id}`))).toEqual([
      404,
      "global/object-does-not-exist",
      "Specified instance does not exist.",
    ]);
  });

  test("with eight GPUs boots in a quarter of an hour", async () => {
    const id = await f.launched({ instance_type_name: "gpu_8x_a100" });
    f.clock.advance(880);
    expect((await f.show(id)).status).toBe("booting");
    f.clock.advance(30);
    expect((await f.show(id)).status).toBe("active");
  });

  test("is renamed in place, and found with dashes in its id", async () => {
    const id = await f.launched();
    await f.data("POST", `/instances/${id}`, { name: "other" });
    const dashed = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    expect((await f.show(dashed)).name).toBe("other");
  });

  test("an id that is none is refused in the API's words", async () => {
    expect(await refusal(f.call("GET", "/instances/ab"))).toEqual([
      400,
      "global/invalid-parameters",
      "Error in request path at 'id': Input should be a valid UUID, invalid length: expected length 32 for simple format, found 2",
    ]);
  });

  test("others hear of each change of status or address once", async () => {
    const heard: string[] = [];
    f.simulator.on("instance", ({ status, ip }) => heard.push(`${status} ${ip ?? "-"}`));
    const id = await f.launched();
    f.clock.advance(200);
    await f.data("POST", "/instance-operations/terminate", { instance_ids: [id] });
    f.clock.advance(200);
    expect(heard.filter((line, i) => line !== heard[i - 1])).toEqual([
      "booting -",
      "booting 198.51.100.2",
      "active 198.51.100.2",
      expect.stringMatching(/^terminating/),
      expect.stringMatching(/^terminated/),
    ]);
  });
});

describe("a launch is refused", () => {
  const invalid = [400, "global/invalid-parameters"];
  test.each<[string, Record<string, unknown>, unknown[]]>([
    ["for two keys", { ssh_key_names: ["key", "key"] }, invalid],
    ["for an unknown key", { ssh_key_names: ["nobody"] }, [400, "global/object-does-not-exist"]],
    ["for a region that is none", { region_name: "us-esat-1" }, invalid],
    ["for a tag key in upper case", { tags: [{ key: "Team", value: "x" }] }, invalid],
    ["for a host name with a dot", { hostname: "a.b" }, invalid],
    [
      "for more than one",
      { quantity: 2 },
      [400, "global/invalid-parameters", "Requested too many instances."],
    ],
    [
      "where there is no capacity",
      { region_name: "me-west-1" },
      [
        400,
        "instance-operations/launch/insufficient-capacity",
        "Not enough capacity to fulfill launch request.",
      ],
    ],
    [
      "for a file system of another region",
      { file_system_names: ["none"] },
      [
        400,
        "global/object-does-not-exist",
        "Filesystem with name 'none' does not exist in region 'us-east-1', or you do not have permission to access it.",
      ],
    ],
    ["for an unknown image", { image: { family: "windows" } }, [400, "global/object-does-not-exist"]],
  ])("%s", async (_why, change, expected) => {
    expect((await refusal(f.launch(change))).slice(0, expected.length)).toEqual(expected);
    expect(await f.data<Instance[]>("GET", "/instances")).toEqual([]);
  });
});

describe("who asks", () => {
  test("no key and a wrong key are told apart", async () => {
    expect(await refusal(f.call("GET", "/instances", undefined, { authorization: "" }))).toEqual([
      401,
      "global/invalid-api-key",
      "No API key was provided.",
    ]);
    expect(await refusal(f.call("GET", "/instances", undefined, { authorization: "Bearer x" }))).toEqual([
      401,
      "global/invalid-api-key",
      "API key was invalid, expired, or deleted.",
    ]);
  });

  test("basic authentication works too", async () => {
    const basic = `Basic ${Buffer.from("secret_test:").toString("base64")}`;
    expect((await f.call("GET", "/regions", undefined, { authorization: basic })).status).toBe(200);
  });

  test("a script's user agent is stopped at the front", async () => {
    const { status, text } = await f.call("GET", "/instances", undefined, {
      "user-agent": "Python-urllib/3.12",
    });
    expect([status, text]).toEqual([403, "error code: 1010"]);
  });

  test("an inactive account", async () => {
    await f.admin("PUT", "/account", { active: false });
    expect((await refusal(f.call("GET", "/instances"))).slice(0, 2)).toEqual([
      403,
      "global/account-inactive",
    ]);
  });
});

describe("offers", () => {
  test("types carry price, size and where there is room", async () => {
    const types = await f.data<InstanceTypes>("GET", "/instance-types");
    expect(types.gpu_1x_a10?.instance_type).toMatchObject({
      price_cents_per_hour: 129,
      specs: { gpus: 1, vcpus: 30 },
    });
    expect(types.gpu_1x_a10?.regions_with_capacity_available.map(({ name }) => name)).toContain("us-east-1");
  });

  test("a launch takes room, a termination gives it back", async () => {
    await f.admin("PUT", "/capacity", { type: "gpu_1x_a10", region: "us-east-1", count: 1 });
    const id = await f.launched();
    expect((await refusal(f.launch()))[1]).toBe("instance-operations/launch/insufficient-capacity");
    await f.data("POST", "/instance-operations/terminate", { instance_ids: [id] });
    f.clock.advance(120);
    expect(await f.launched()).not.toBe(id);
  });

  test("regions and images", async () => {
    expect(await f.data<unknown[]>("GET", "/regions")).toContainEqual({
      name: "us-east-1",
      description: "Virginia, USA",
    });
    expect((await f.data<{ family: string }[]>("GET", "/images")).map(({ family }) => family)).toContain(
      "lambda-stack-24-04",
    );
  });
});

describe("SSH keys", () => {
  test("are added, listed and deleted; a name is taken once", async () => {
    expect((await refusal(f.call("POST", "/ssh-keys", { name: "key", public_key: PUBLIC_KEY })))[0]).toBe(
      400,
    );
    const [key] = await f.data<SshKey[]>("GET", "/ssh-keys");
    await f.data("DELETE", `/ssh-keys/${key?.id ?? ""}`);
    expect(await f.data("GET", "/ssh-keys")).toEqual([]);
  });

  test("are generated on request, with the private half told once", async () => {
    const made = await f.data<SshKey & { private_key: string }>("POST", "/ssh-keys", { name: "made" });
    expect(made.private_key).toMatch(/^-----BEGIN (RSA|OPENSSH) PRIVATE KEY-----/);
    const listed = (await f.data<SshKey[]>("GET", "/ssh-keys")).find(({ name }) => name === "made");
    expect(listed).not.toHaveProperty("private_key");
  });
});

describe("file systems", () => {
  test("have two spellings, and the wrong one is refused as a method", async () => {
    expect((await f.call("POST", "/file-systems", { name: "data", region: "us-east-1" })).status).toBe(405);
    const made = await f.data<FileSystem>("POST", "/filesystems", { name: "data", region: "us-east-1" });
    expect(made).toMatchObject({ mount_point: "/lambda/nfs/data", is_in_use: false });
    expect((await refusal(f.call("POST", "/filesystems", { name: "data", region: "us-east-1" })))[1]).toBe(
      "global/duplicate",
    );
  });

  test("cannot be deleted while in use, and are in use for a while after", async () => {
    const { id } = await f.data<FileSystem>("POST", "/filesystems", { name: "data", region: "us-east-1" });
    const instance = await f.launched({ file_system_names: ["data"] });
    expect((await refusal(f.call("DELETE", `/filesystems/${id}`)))[1]).toBe("filesystems/filesystem-in-use");
    await f.data("POST", "/instance-operations/terminate", { instance_ids: [instance] });
    f.clock.advance(70);
    expect((await refusal(f.call("DELETE", `/filesystems/${id}`)))[1]).toBe("filesystems/filesystem-in-use");
    f.clock.advance(60);
    expect(await f.data("DELETE", `/filesystems/${id}`)).toEqual({ deleted_ids: [id] });
  });
});

describe("firewall", () => {
  const rule = {
    protocol: "tcp",
    port_range: [22, 22],
    source_network: "198.51.100.9",
    description: "office",
  };

  test("rulesets keep their rules in normal form, and stay while in use", async () => {
    const made = await f.data<FirewallRuleset>("POST", "/firewall-rulesets", {
      name: "ssh",
      region: "us-east-1",
      rules: [rule],
    });
    expect(made.rules[0]?.source_network).toBe("198.51.100.9/32");
    const instance = await f.launched({ firewall_rulesets: [{ id: made.id }] });
    expect((await refusal(f.call("DELETE", `/firewall-rulesets/${made.id}`)))[1]).toBe(
      "firewall-rulesets/firewall-ruleset-in-use",
    );
    await f.data("POST", "/instance-operations/terminate", { instance_ids: [instance] });
    f.clock.advance(120);
    expect(await f.data("DELETE", `/firewall-rulesets/${made.id}`)).toEqual({});
  });

  test("the global rules are replaced as a whole", async () => {
    expect(await f.data<unknown[]>("GET", "/firewall-rules")).toHaveLength(2);
    await f.data("PATCH", "/firewall-rulesets/global", { rules: [rule] });
    expect(await f.data("GET", "/firewall-rulesets/global")).toMatchObject({
      id: "global",
      rules: [{ description: "office" }],
    });
  });
});
