/** Which request does what: https://docs.lambda.ai/api/cloud, with its two spellings of file systems. */
import type { z } from "zod";
import * as schemas from "../../components/lambda-cloud/schemas";
import { invalid } from "./apiFailure";
import { regions } from "./catalogue";
import type { Cloud } from "./cloud";
import type { Fault } from "./faults";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Call {
  readonly cloud: Cloud;
  /** The `{id}` of the path. */
  readonly id: string;
  readonly body: unknown;
  readonly fault: Fault | undefined;
}

export interface Route {
  readonly method: Method;
  /** Below the base URL, ids as `{id}`. */
  readonly path: string;
  readonly handle: (call: Call) => unknown;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(`Invalid request data: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

/** `quantity` is no longer documented, but 1 is accepted and more is refused with words of its own. */
function launchBody(body: unknown): z.infer<typeof schemas.launchRequestSchema> {
  const { quantity = 1, ...rest } =
    typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  if (quantity !== 1) throw invalid("Requested too many instances.");
  return parse(schemas.launchRequestSchema, rest);
}

const ids = (body: unknown): readonly string[] => parse(schemas.terminateRequestSchema, body).instance_ids;

export const routes: readonly Route[] = [
  { method: "GET", path: "/instances", handle: ({ cloud }) => cloud.listInstances() },
  { method: "GET", path: "/instances/{id}", handle: ({ cloud, id }) => cloud.getInstance(id) },
  {
    method: "POST",
    path: "/instances/{id}",
    handle: ({ cloud, id, body }) => cloud.renameInstance(id, parse(schemas.renameRequestSchema, body).name),
  },
  {
    method: "POST",
    path: "/instance-operations/launch",
    handle: ({ cloud, body, fault }) => cloud.launch(launchBody(body), fault),
  },
  {
    method: "POST",
    path: "/instance-operations/restart",
    handle: ({ cloud, body }) => cloud.restart(ids(body)),
  },
  {
    method: "POST",
    path: "/instance-operations/terminate",
    handle: ({ cloud, body }) => cloud.terminate(ids(body)),
  },
  { method: "GET", path: "/instance-types", handle: ({ cloud }) => cloud.listInstanceTypes() },
  { method: "GET", path: "/regions", handle: () => Object.values(regions) },
  { method: "GET", path: "/images", handle: ({ cloud }) => cloud.listImages() },
  { method: "GET", path: "/ssh-keys", handle: ({ cloud }) => cloud.state.sshKeys },
  {
    method: "POST",
    path: "/ssh-keys",
    handle: ({ cloud, body }) => cloud.addSshKey(parse(schemas.addSshKeyRequestSchema, body)),
  },
  { method: "DELETE", path: "/ssh-keys/{id}", handle: ({ cloud, id }) => cloud.deleteSshKey(id) },
  { method: "GET", path: "/file-systems", handle: ({ cloud }) => cloud.listFileSystems() },
  {
    method: "POST",
    path: "/filesystems",
    handle: ({ cloud, body }) => cloud.createFileSystem(parse(schemas.createFileSystemRequestSchema, body)),
  },
  { method: "DELETE", path: "/filesystems/{id}", handle: ({ cloud, id }) => cloud.deleteFileSystem(id) },
  { method: "GET", path: "/firewall-rules", handle: ({ cloud }) => cloud.state.globalRules },
  {
    method: "PUT",
    path: "/firewall-rules",
    handle: ({ cloud, body }) => {
      const { data } = parse(schemas.dataOf(schemas.firewallRuleRequestSchema.array()), body);
      cloud.setGlobalRules(data);
      return cloud.state.globalRules;
    },
  },
  { method: "GET", path: "/firewall-rulesets", handle: ({ cloud }) => cloud.listRulesets() },
  { method: "GET", path: "/firewall-rulesets/global", handle: ({ cloud }) => cloud.globalRuleset() },
  {
    method: "PATCH",
    path: "/firewall-rulesets/global",
    handle: ({ cloud, body }) => {
      const { rules } = parse(schemas.updateFirewallRulesetRequestSchema.pick({ rules: true }), body);
      if (rules !== undefined) cloud.setGlobalRules(rules);
      return cloud.globalRuleset();
    },
  },
  {
    method: "POST",
    path: "/firewall-rulesets",
    handle: ({ cloud, body }) => cloud.createRuleset(parse(schemas.createFirewallRulesetRequestSchema, body)),
  },
  { method: "GET", path: "/firewall-rulesets/{id}", handle: ({ cloud, id }) => cloud.getRuleset(id) },
  {
    method: "PATCH",
    path: "/firewall-rulesets/{id}",
    handle: ({ cloud, id, body }) =>
      cloud.updateRuleset(id, parse(schemas.updateFirewallRulesetRequestSchema, body)),
  },
  { method: "DELETE", path: "/firewall-rulesets/{id}", handle: ({ cloud, id }) => cloud.deleteRuleset(id) },
];

interface Match {
  readonly route: Route;
  readonly id: string;
}

function match(route: Route, path: string): Match | undefined {
  const [prefix = "", rest] = route.path.split("{id}");
  if (rest === undefined) return path === route.path ? { route, id: "" } : undefined;
  const id = path.slice(prefix.length);
  return path.startsWith(prefix) && id !== "" && !id.includes("/")
    ? { route, id: decodeURIComponent(id) }
    : undefined;
}

/** The route of a request; `"method"` when only the method is wrong. A literal path wins over one with an id. */
export function findRoute(method: string, path: string): Match | "method" | undefined {
  const matches = routes
    .flatMap((route) => match(route, path) ?? [])
    .sort((a, b) => a.id.length - b.id.length);
  const [exact] = matches.filter(({ route }) => route.method === method);
  if (exact !== undefined) return exact;
  // GET /file-systems and POST /filesystems are different paths, and the other method of each is refused as such.
  const exists = matches.length > 0 || path === "/filesystems" || path === "/file-systems";
  return exists ? "method" : undefined;
}

/** Ids are 32 hexadecimal digits, dashes allowed; the API says what it expected. */
export function checkId(path: string, id: string): void {
  if (id === "" || path.startsWith("/firewall-rulesets") || path.startsWith("/ssh-keys")) return;
  const digits = id.replaceAll("-", "");
  if (/^[0-9a-f]{32}$/i.test(digits)) return;
  throw invalid(
    `Error in request path at 'id': Input should be a valid UUID, invalid length: expected length 32 for simple format, found ${digits.length}`,
  );
}
