/** Client and simulator against the official OpenAPI document, in both directions. It proves shapes, not behaviour. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LambdaCloudClient } from "../../../components/lambda-cloud/client";
import { Limiter } from "../../../components/lambda-cloud/limiter";
import * as schemas from "../../../components/lambda-cloud/schemas";
import { ContractProxy } from "../../support/contractProxy";
import { replyContradictions, requestContradictions } from "../../support/lambdaContract";
import { Fixture, PUBLIC_KEY } from "../simulator/fixture";

const REGION = "us-east-1";
const ID = "0920582c7ff041399e34823a0be62549";
const RULES: schemas.FirewallRuleRequest[] = [
  { protocol: "tcp", port_range: [22, 22], source_network: "198.51.100.0/24", description: "SSH" },
  { protocol: "icmp", source_network: "0.0.0.0/0", description: "" },
];

let f: Fixture;
let proxy: ContractProxy;
let url: string;
beforeEach(async () => {
  f = await Fixture.withKey();
  proxy = new ContractProxy();
  url = await proxy.start(f.url);
});
afterEach(async () => {
  await proxy.stop();
  await f.dispose();
});

describe("the client", () => {
  /** What there is before each call. */
  interface Account {
    readonly instance: string;
    readonly key: schemas.SshKey;
    readonly fileSystem: schemas.FileSystem;
    readonly ruleset: schemas.FirewallRuleset;
  }

  const launchRequest = ({ fileSystem, ruleset }: Account): Required<schemas.LaunchRequest> => ({
    region_name: REGION,
    instance_type_name: "gpu_1x_a10",
    ssh_key_names: ["key"],
    file_system_names: [fileSystem.name],
    file_system_mounts: [{ mount_point: "/data/models", file_system_id: fileSystem.id }],
    hostname: "one",
    name: "one",
    image: { family: "lambda-stack-22-04" },
    user_data: "#cloud-config\n",
    tags: [{ key: "managed-by", value: "test" }],
    firewall_rulesets: [{ id: ruleset.id }],
  });

  /** Each method, with all that it takes. */
  const calls: Readonly<
    Record<keyof LambdaCloudClient, (client: LambdaCloudClient, account: Account) => Promise<unknown>>
  > = {
    listInstances: (client) => client.listInstances(),
    getInstance: (client, { instance }) => client.getInstance(instance),
    launch: (client, account) => client.launch(launchRequest(account)),
    renameInstance: (client, { instance }) => client.renameInstance(instance, "other"),
    terminate: (client, { instance }) => client.terminate(instance),
    listInstanceTypes: (client) => client.listInstanceTypes(),
    listRegions: (client) => client.listRegions(),
    listSshKeys: (client) => client.listSshKeys(),
    addSshKey: async (client) => {
      await client.addSshKey("other", PUBLIC_KEY);
      await client.addSshKey("generated");
    },
    deleteSshKey: (client, { key }) => client.deleteSshKey(key.id),
    listFileSystems: (client) => client.listFileSystems(),
    createFileSystem: (client) => client.createFileSystem("other", REGION),
    deleteFileSystem: (client, { fileSystem }) => client.deleteFileSystem(fileSystem.id),
    listFirewallRulesets: (client) => client.listFirewallRulesets(),
    createFirewallRuleset: (client) =>
      client.createFirewallRuleset({ name: "other", region: REGION, rules: RULES }),
    getFirewallRules: async (client, { ruleset }) => {
      await client.getFirewallRules(ruleset.id);
      await client.getFirewallRules("global");
    },
    updateFirewallRuleset: async (client, { ruleset }) => {
      await client.updateFirewallRuleset(ruleset.id, { name: "other", rules: RULES });
      await client.updateFirewallRuleset("global", { rules: RULES });
    },
    deleteFirewallRuleset: (client, { ruleset }) => client.deleteFirewallRuleset(ruleset.id),
  };

  let client: LambdaCloudClient;
  let account: Account;
  beforeEach(async () => {
    const [key] = await f.data<[schemas.SshKey]>("GET", "/ssh-keys");
    account = {
      key,
      instance: await f.launched(),
      fileSystem: await f.data("POST", "/filesystems", { name: "models", region: REGION }),
      ruleset: await f.data("POST", "/firewall-rulesets", { name: "own", region: REGION, rules: RULES }),
    };
    f.clock.advance(12);
    const pace = { requestIntervalMs: 0, launchIntervalMs: 0 };
    client = new LambdaCloudClient({ ...pace, apiUrl: url, apiKey: "secret_test", limiter: new Limiter() });
  });

  test("every method is in the table", () => {
    const methods = Object.getOwnPropertyNames(LambdaCloudClient.prototype);
    expect(Object.keys(calls).sort()).toEqual(methods.filter((name) => name !== "constructor").sort());
  });

  test.each(Object.entries(calls))("%s", async (_method, call) => {
    await call(client, account);
    expect(proxy.requests).not.toEqual([]);
    expect(proxy.contradictions).toEqual([]);
  });

  test("a launch carries every field that its schema has", async () => {
    await calls.launch(client, account);
    const [launch] = proxy.requests;
    expect(Object.keys(launch?.body as object).sort()).toEqual(
      Object.keys(schemas.launchRequestSchema.shape).sort(),
    );
  });
});

test.each<[method: string, path: string, body: unknown, said: string[]]>([
  ["GET", "/instances", undefined, []],
  ["GET", "/instances?cluster_id=1", undefined, []],
  ["GET", "/nothing", undefined, ["GET /nothing: not documented"]],
  ["PUT", "/instances", undefined, ["PUT /instances: not documented"]],
  ["GET", "/instances", {}, ["GET /instances: no body is documented"]],
  ["DELETE", `/ssh-keys/${ID}`, {}, [`DELETE /ssh-keys/${ID}: no body is documented`]],
  ["POST", "/ssh-keys", undefined, ["POST /ssh-keys: the body is missing"]],
  ["POST", "/ssh-keys", "{", ["POST /ssh-keys: body must be object"]],
  ["PATCH", `/firewall-rulesets/${ID}`, { name: "x" }, []],
  [
    "PATCH",
    "/firewall-rulesets/global",
    { name: "x" },
    ["PATCH /firewall-rulesets/global: body must NOT have additional properties"],
  ],
  [
    "PUT",
    "/firewall-rules",
    { data: [{ ...RULES[0], source_network: "here" }] },
    ['PUT /firewall-rules: body/data/0/source_network must match format "ipv4network"'],
  ],
])("the document on %s %s %j", (method, path, body, said) => {
  expect(requestContradictions(method, path, body)).toEqual(said);
});

test.each<[status: number, body: unknown, said: string[]]>([
  [200, { data: [] }, []],
  [200, { data: {} }, ["GET /instances 200: body/data must be array"]],
  [500, {}, ["GET /instances: status 500 is not documented"]],
  [429, {}, []],
])("the document on a reply: %i %j", (status, body, said) => {
  expect(replyContradictions("GET", "/instances", status, body)).toEqual(said);
});

describe("the proxy", () => {
  const LAUNCH = { region_name: REGION, instance_type_name: "gpu_1x_a10", ssh_key_names: ["key"] };
  const headers = { authorization: "Bearer secret_test", "user-agent": "test" };
  const launch = (change: object = {}) =>
    fetch(`${url}/instance-operations/launch`, {
      method: "POST",
      headers,
      body: JSON.stringify({ ...LAUNCH, ...change }),
    });
  const fault = (kind: object) =>
    f.admin("POST", "/faults", { route: "POST /instance-operations/launch", fault: kind });

  test("notes a field that is not documented, and a wrong method", async () => {
    expect((await launch({ quantity: 1 })).status).toBe(200);
    expect((await fetch(`${url}/instances`, { method: "PUT", headers })).status).toBe(405);
    expect(proxy.requests).toEqual([
      { method: "POST", path: "/instance-operations/launch", body: { ...LAUNCH, quantity: 1 } },
      { method: "PUT", path: "/instances", body: undefined },
    ]);
    expect(proxy.contradictions).toEqual([
      "POST /instance-operations/launch: body must NOT have additional properties",
      "PUT /instances: not documented",
    ]);
  });

  test("notes a reply that is not as documented", async () => {
    const server = createServer((_request, response) => response.end('{"data":[{}]}'));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const other = new ContractProxy();
    const base = await other.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`);
    const response = await fetch(`${base}/regions`);
    expect(await response.json()).toEqual({ data: [{}] });
    expect(other.contradictions).toEqual([
      "GET /regions 200: body/data/0 must have required property 'name'",
    ]);
    await other.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(["drop", "commit-drop"])("hangs up when the API does: %s", async (kind) => {
    await fault({ kind });
    await expect(launch()).rejects.toThrow("fetch failed");
    expect(proxy.contradictions).toEqual([]);
  });

  test("hands garbage on as it is", async () => {
    await fault({ kind: "commit-garbage" });
    const response = await launch();
    expect([response.status, await response.text()]).toEqual([200, '{"data": {"inst']);
    expect(proxy.contradictions).toEqual([]);
  });

  test("keeps headers", async () => {
    await fault({ kind: "rate-limit", retryAfterSeconds: 7 });
    const response = await launch();
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(proxy.contradictions).toEqual([]);
  });

  test("ends with clients that wait", async () => {
    await fault({ kind: "delay", seconds: 60 });
    const failed = expect(launch()).rejects.toThrow("fetch failed");
    while (proxy.requests.length === 0) await new Promise(setImmediate);
    await proxy.stop();
    await failed;
  });
});
