/** The schemas of requests against the official OpenAPI document: what they accept, it accepts. */
import fc from "fast-check";
import { z } from "zod";
import * as schemas from "../../../components/lambda-cloud/schemas";
import { requestContradictions } from "../../support/lambdaContract";
import { acceptedBy } from "../../support/zodArbitrary";

const REGION = "us-east-1";
const ID = "0920582c7ff041399e34823a0be62549";

type Name = Extract<keyof typeof schemas, `${string}RequestSchema`>;
const wire: Readonly<Record<Name, readonly [schema: z.ZodType, method: string, path: string]>> = {
  launchRequestSchema: [schemas.launchRequestSchema, "POST", "/instance-operations/launch"],
  renameRequestSchema: [schemas.renameRequestSchema, "POST", `/instances/${ID}`],
  terminateRequestSchema: [schemas.terminateRequestSchema, "POST", "/instance-operations/terminate"],
  addSshKeyRequestSchema: [schemas.addSshKeyRequestSchema, "POST", "/ssh-keys"],
  createFileSystemRequestSchema: [schemas.createFileSystemRequestSchema, "POST", "/filesystems"],
  firewallRuleRequestSchema: [
    z.strictObject({ data: schemas.firewallRuleRequestSchema.array() }),
    "PUT",
    "/firewall-rules",
  ],
  createFirewallRulesetRequestSchema: [
    schemas.createFirewallRulesetRequestSchema,
    "POST",
    "/firewall-rulesets",
  ],
  updateFirewallRulesetRequestSchema: [
    schemas.updateFirewallRulesetRequestSchema,
    "PATCH",
    `/firewall-rulesets/${ID}`,
  ],
};
/** Whether the schema accepts a body, and whether the document does. */
const verdicts = (name: Name, body: unknown): [schema: boolean, document: boolean] => {
  const [schema, method, path] = wire[name];
  return [schema.safeParse(body).success, requestContradictions(method, path, body).length === 0];
};

test("every one is in the table", () => {
  const names = Object.keys(schemas).filter((name) => name.endsWith("RequestSchema"));
  expect(Object.keys(wire).sort()).toEqual(names.sort());
});

// Networks are text to the schemas: rules.ts checks them.
const network = fc
  .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
  .map(([address, bits]) => `${address}/${bits}`);

test.each(Object.entries(wire))("what %s accepts, the document accepts", (_name, [schema, method, path]) => {
  fc.assert(
    fc.property(acceptedBy(schema, { source_network: network }), (body) => {
      expect(requestContradictions(method, path, body)).toEqual([]);
    }),
    { numRuns: 200, seed: 20261123 },
  );
});

const x = (length: number): string => "x".repeat(length);
const launch = (change: object): object => ({
  region_name: REGION,
  instance_type_name: "gpu_1x_a10",
  ssh_key_names: ["key"],
  ...change,
});
const tag = (key: string, value = ""): object => launch({ tags: [{ key, value }] });
const mount = (mount_point: string): object =>
  launch({ file_system_mounts: [{ mount_point, file_system_id: ID }] });
const fileSystem = (name: string): object => ({ name, region: REGION });
const rule = (change: object): object => ({
  data: [
    {
      protocol: "tcp",
      port_range: [22, 22],
      source_network: "198.51.100.0/24",
      description: "SSH",
      ...change,
    },
  ],
});

test.each<[what: string, Name, inside: object, outside: object]>([
  ["instance name", "launchRequestSchema", launch({ name: x(64) }), launch({ name: x(65) })],
  ["new name", "renameRequestSchema", { name: x(64) }, { name: x(65) }],
  ["host name", "launchRequestSchema", launch({ hostname: x(63) }), launch({ hostname: x(64) })],
  ["letters of a host name", "launchRequestSchema", launch({ hostname: "a" }), launch({ hostname: "A" })],
  ["tag key", "launchRequestSchema", tag(x(55)), tag(x(56))],
  ["short tag key", "launchRequestSchema", tag("xx"), tag("x")],
  ["letters of a tag key", "launchRequestSchema", tag("a:b-c"), tag("a:B-c")],
  ["tag value", "launchRequestSchema", tag("key", x(128)), tag("key", x(129))],
  ["mount point", "launchRequestSchema", mount("/data/a"), mount("/mnt/a")],
  ["long mount point", "launchRequestSchema", mount(`/data/${x(250)}`), mount(`/data/${x(251)}`)],
  ["image", "launchRequestSchema", launch({ image: { id: ID } }), launch({ image: { name: ID } })],
  ["field", "launchRequestSchema", launch({}), launch({ quantity: 1 })],
  ["key name", "addSshKeyRequestSchema", { name: x(64) }, { name: x(65) }],
  ["short key name", "addSshKeyRequestSchema", { name: "x" }, { name: "" }],
  [
    "public key",
    "addSshKeyRequestSchema",
    { name: "x", public_key: x(4096) },
    { name: "x", public_key: x(4097) },
  ],
  ["file system name", "createFileSystemRequestSchema", fileSystem(x(60)), fileSystem(x(61))],
  ["letters of a file system name", "createFileSystemRequestSchema", fileSystem("a1"), fileSystem("1a")],
  ["low port", "firewallRuleRequestSchema", rule({ port_range: [1, 1] }), rule({ port_range: [0, 1] })],
  [
    "high port",
    "firewallRuleRequestSchema",
    rule({ port_range: [1, 65535] }),
    rule({ port_range: [1, 65536] }),
  ],
  ["description", "firewallRuleRequestSchema", rule({ description: x(128) }), rule({ description: x(129) })],
  ["protocol", "firewallRuleRequestSchema", rule({ protocol: "all" }), rule({ protocol: "sctp" })],
  ["ruleset name", "updateFirewallRulesetRequestSchema", { name: x(64) }, { name: x(65) }],
])("limit of the document: %s", (_what, name, inside, outside) => {
  expect([verdicts(name, inside), verdicts(name, outside)]).toEqual([
    [true, true],
    [false, false],
  ]);
});

test.each<[what: string, body: object]>([
  ["user data above a million bytes", launch({ user_data: x(1_000_001) })],
  ["not exactly one key", launch({ ssh_key_names: [] })],
  ["a tag key that belongs to Lambda", tag("lambda-ai-x")],
])("a limit of the API that the document does not write down: %s", (_what, body) => {
  expect(verdicts("launchRequestSchema", body)).toEqual([false, true]);
});
