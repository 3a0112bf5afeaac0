/** Every error of the API that the simulator gives, with its exact body. */
import type { FileSystem, FirewallRuleset } from "../../../components/lambda-cloud/schemas";
import { QUOTAS } from "../../../sandbox/lambdaCloud/cloud";
import { Fixture, type Answer } from "./fixture";

const NO_SUCH_ID = "0".repeat(32);
const FIX = "Retry the request after fixing the request parameters.";

let f: Fixture;
beforeEach(async () => {
  f = await Fixture.withKey();
});
afterEach(() => f.dispose());

/** Status and body, as they are. */
const whole = async (answer: Promise<Answer>): Promise<[number, unknown]> => {
  const { status, json } = await answer;
  return [status, json?.error];
};
const invalid = (message: string): [number, object] => [
  400,
  { code: "global/invalid-parameters", message, suggestion: FIX },
];
const quota = [
  400,
  {
    code: "global/quota-exceeded",
    message: "Quota exceeded.",
    suggestion: "Contact Support to increase your quota.",
  },
];

test.each<[string, number, object]>([
  [
    "unauthorized",
    401,
    {
      code: "global/invalid-api-key",
      message: "API key was invalid, expired, or deleted.",
      suggestion: "Check your API key or create a new one, then try again.",
    },
  ],
  [
    "inactive",
    403,
    {
      code: "global/account-inactive",
      message: "Your account is inactive.",
      suggestion:
        "Make sure you have verified your email address and have a valid payment method. Contact Support if problems continue.",
    },
  ],
  ["forbidden", 403, { code: "global/forbidden", message: "You do not have permission to do this." }],
  [
    "conflict",
    409,
    {
      code: "global/conflict",
      message: "The request conflicts with the current state of the resource.",
    },
  ],
  [
    "internal-error",
    409,
    {
      code: "global/internal-error",
      message: "An internal server error occurred.",
      suggestion: "Try again later. Contact Support if the problem persists.",
    },
  ],
  [
    "invalid-address",
    403,
    {
      code: "global/invalid-address",
      message: "Your billing address is invalid.",
      suggestion: "Make sure your billing address is valid. Contact Support if problems continue.",
    },
  ],
  [
    "unavailable",
    503,
    {
      code: "provider/internal-unavailable",
      message: "Provider unavailable",
      suggestion: "Try again shortly",
    },
  ],
  ["unknown-error", 400, { code: "global/unknown", message: "An unknown error occurred." }],
])("the fault %s answers %i", async (kind, status, error) => {
  // Faults strike where they are told to, documented for the route or not: past the check against the document.
  const route = "GET /regions";
  await f.admin("POST", "/faults", { route, fault: { kind } });
  const headers = { authorization: "Bearer secret_test" };
  const response = await fetch(`${f.url}/regions`, { headers });
  expect([response.status, await response.json()]).toEqual([status, { error }]);
  expect((await f.call("GET", "/regions")).status).toBe(200);
});

test("a path that is not there, and a method that it has not", async () => {
  const error = { code: "global/not-found", message: "The requested resource was not found." };
  expect(await whole(f.call("GET", "/nothing"))).toEqual([404, error]);
  expect((await f.call("GET", "/filesystems")).status).toBe(405);
  expect((await f.call("DELETE", "/firewall-rulesets/global")).status).toBe(405);
});

test("the key is looked at before the path, and what the path names before the body", async () => {
  const noKey = { authorization: "" };
  expect((await f.call("GET", "/nothing", undefined, noKey)).status).toBe(401);
  expect((await f.call("POST", `/instances/${NO_SUCH_ID}`, "{ not JSON")).status).toBe(404);
  expect((await f.call("POST", "/instances/ab", "{ not JSON")).status).toBe(400);
});

test("a body that is not JSON, lacks something, or has something unknown", async () => {
  expect(await whole(f.call("POST", "/ssh-keys", "{"))).toEqual(invalid("Invalid request data."));
  expect(await whole(f.call("POST", "/ssh-keys", {}))).toEqual(
    invalid("Error in request body at 'name': Invalid input: expected string, received undefined"),
  );
  expect(await whole(f.launch({ spot: true }))).toEqual(
    invalid('Error in request body: Unrecognized key: "spot"'),
  );
});

test("what a body says is not repeated: user data may be secret", async () => {
  const { text } = await f.launch({ user_data: ["hunter2"] });
  expect(text).not.toContain("hunter2");
});

test.each([
  ["GET", `/instances/${NO_SUCH_ID}`, { message: "Specified instance does not exist." }],
  // The one kind of thing with a code of its own.
  [
    "DELETE",
    `/ssh-keys/${NO_SUCH_ID}`,
    { code: "global/not-found", message: "The requested resource was not found." },
  ],
  ["DELETE", `/filesystems/${NO_SUCH_ID}`, { message: "Filesystem was not found." }],
  [
    "GET",
    `/firewall-rulesets/${NO_SUCH_ID}`,
    {
      message: "Firewall ruleset does not exist or you do not have permission to access it.",
      suggestion: "Check your firewall ruleset ID and try again.",
    },
  ],
])("%s %s", async (method, path, error) => {
  const { status, json } = await f.call(method, path);
  expect(status).toBe(404);
  expect(json?.error).toMatchObject({ code: "global/object-does-not-exist", ...error });
});

test("a batch with one unknown instance ends none of them", async () => {
  const id = await f.launched();
  const { status } = await f.call("POST", "/instance-operations/terminate", {
    instance_ids: [id, NO_SUCH_ID],
  });
  expect([status, (await f.show(id)).status]).toEqual([404, "booting"]);
});

test("an SSH key that is none", async () => {
  expect(await whole(f.call("POST", "/ssh-keys", { name: "other", public_key: "ssh-rsa nonsense" }))).toEqual(
    invalid("Error in request body at 'public_key': not a public key in OpenSSH's format"),
  );
});

test("a file system in use, and one of another region", async () => {
  const made = { name: "data", region: "us-west-1" };
  const { id } = await f.data<FileSystem>("POST", "/filesystems", made);
  const mount = { mount_point: "/data", file_system_id: id };
  expect(await whole(f.launch({ file_system_mounts: [mount] }))).toEqual([
    400,
    {
      code: "instance-operations/launch/file-system-in-wrong-region",
      message: "Filesystem 'data' is not in region 'us-east-1'.",
      suggestion: "Choose a filesystem in the region of the instance.",
    },
  ]);
  await f.launched({ region_name: "us-west-1", file_system_mounts: [mount], file_system_names: ["data"] });
  expect(await whole(f.call("DELETE", `/filesystems/${id}`))).toEqual([
    400,
    { code: "filesystems/filesystem-in-use", message: "Filesystem is in use." },
  ]);
});

test("a ruleset in use, and one of another region", async () => {
  const made = { name: "none", region: "us-west-1", rules: [] };
  const { id } = await f.data<FirewallRuleset>("POST", "/firewall-rulesets", made);
  expect(await whole(f.launch({ firewall_rulesets: [{ id }] }))).toEqual(
    invalid("Firewall ruleset 'none' is not in region 'us-east-1'."),
  );
  await f.launched({ region_name: "us-west-1", firewall_rulesets: [{ id }] });
  expect(await whole(f.call("DELETE", `/firewall-rulesets/${id}`))).toEqual([
    400,
    {
      code: "firewall-rulesets/firewall-ruleset-in-use",
      message: "Firewall ruleset is in use by one or more instances.",
      suggestion: "Terminate all instances that are using the ruleset before deleting it.",
    },
  ]);
});

test.each([
  [
    { protocol: "icmp", port_range: [1, 2] },
    "port_range is required, except for icmp, where it is forbidden.",
  ],
  [{ protocol: "tcp" }, "port_range is required, except for icmp, where it is forbidden."],
  [{ protocol: "tcp", port_range: [2, 1] }, "port_range must not end before it begins."],
  [{ protocol: "icmp", source_network: "::/0" }, "source_network must be an IPv4 network."],
  [{ protocol: "icmp", source_network: "10.0.0.0/33" }, "source_network must be an IPv4 network."],
])("the firewall rule %j", async (change, message) => {
  const rule = { source_network: "10.0.0.0/8", description: "", ...change };
  expect(await whole(f.call("PUT", "/firewall-rules", { data: [rule] }))).toEqual(invalid(message));
  expect(await f.data<unknown[]>("GET", "/firewall-rules")).toHaveLength(2);
});

test("an image of another region, or for other processors", async () => {
  const images = await f.data<{ id: string; architecture: string; region: { name: string } }[]>(
    "GET",
    "/images",
  );
  expect(new Set(images.map(({ id }) => id)).size).toBe(images.length);
  const elsewhere = images.find(({ region }) => region.name === "us-west-1")?.id;
  expect((await f.launch({ image: { id: elsewhere } })).json?.error?.message).toBe("Image does not exist.");
  const arm = { instance_type_name: "gpu_1x_gh200" };
  expect((await f.launch({ ...arm, image: { family: "gpu-base-24-04" } })).status).toBe(400);
  expect((await f.launch({ ...arm, image: { family: "lambda-stack-24-04" } })).status).toBe(200);
});

test("quotas", async () => {
  for (let i = 0; i < QUOTAS.fileSystems; i++)
    await f.data("POST", "/filesystems", { name: `fs${i}`, region: "us-east-1" });
  expect(await whole(f.call("POST", "/filesystems", { name: "more", region: "us-east-1" }))).toEqual(quota);
  for (let i = 0; i < QUOTAS.rulesets; i++)
    await f.data("POST", "/firewall-rulesets", { name: "r", region: "us-east-1", rules: [] });
  expect(
    await whole(f.call("POST", "/firewall-rulesets", { name: "r", region: "us-east-1", rules: [] })),
  ).toEqual(quota);
  await f.admin("PUT", "/capacity", { type: "gpu_1x_a10", region: "us-east-1", count: 99 });
  for (let i = 0; i < QUOTAS.instances; i++) await f.launched();
  expect(await whole(f.launch())).toEqual(quota);
});
