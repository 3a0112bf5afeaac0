/** What tests, the command line and the page use to look behind the API and to break things. */
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { formatProblem } from "../../components/problems";
import { instanceTypes, regions } from "./catalogue";
import type { Cloud } from "./cloud";
import { faultRuleSchema } from "./faults";
import { sendJson } from "./http";
import { ipAt, isHeld, statusAt } from "./instanceLife";
import { routeName, routes } from "./routes";
import type { LambdaSimulator } from "./simulator";
import type { InstanceRecord } from "./state";

/** What can be done to an instance behind the program's back. */
export const instanceActions = ["terminate", "preempt", "kill", "stick", "release"] as const;

const actionSchema = z.strictObject({ id: z.string(), action: z.enum(instanceActions) });
const capacitySchema = z.strictObject({
  type: z.enum(Object.keys(instanceTypes)),
  region: z.enum(Object.keys(regions)),
  count: z.int().min(0),
});
const accountSchema = z.strictObject({ active: z.boolean() });
const routeSchema = z.object({ route: z.enum(routes.map(routeName)) });

/** Everything that the page shows. */
function describe(cloud: Cloud): object {
  const { state } = cloud;
  const capacityOf = (type: string): [string, number][] =>
    Object.keys(regions)
      .map((region): [string, number] => [region, cloud.capacity(type, region)])
      .filter(([, count]) => count > 0);
  return {
    virtualSeconds: Math.floor(cloud.now() / 1000),
    accountActive: state.accountActive,
    instances: state.instances.flatMap((record) => describeInstance(cloud, record)),
    sshKeys: state.sshKeys.map(({ id, name }) => ({ id, name })),
    fileSystems: state.fileSystems.map((record) => {
      const { id, name, region } = record;
      return { id, name, region, inUse: cloud.fileSystemInUse(record) };
    }),
    rulesets: state.rulesets.map((record) => {
      const { id, name, region } = record;
      return { id, name, region, instances: cloud.showRuleset(record).instance_ids.length };
    }),
    capacity: Object.fromEntries(
      Object.keys(instanceTypes).map((type) => [type, Object.fromEntries(capacityOf(type))]),
    ),
    faults: state.faults,
  };
}

/** Nothing for an instance that the API has forgotten. */
function describeInstance(cloud: Cloud, record: InstanceRecord): object[] {
  const now = cloud.now();
  const status = statusAt(record, now);
  if (status === undefined) return [];
  const { id, name = "", type, region, stuck } = record;
  return [
    {
      id,
      name,
      status,
      stuck,
      type,
      region,
      ip: ipAt(record, now) ?? "",
      ageSeconds: Math.floor((now - record.launchedAt) / 1000),
      usdPerHour: (instanceTypes[type]?.price_cents_per_hour ?? 0) / 100,
      usd: cloud.bill(record).usd,
    },
  ];
}

/** By id or name; of several with one name, one that is there. @throws Error if there is none */
function findInstance(cloud: Cloud, id: string): InstanceRecord {
  const known = cloud.state.instances.filter((i) => i.id === id || i.name === id);
  const record = known.find((i) => isHeld(i, cloud.now())) ?? known[0];
  if (record !== undefined) return record;
  throw new Error(
    formatProblem({
      path: "instance",
      what: "is not known",
      got: id,
      expected: "an instance's id or name",
      fix: "List them with: instances",
    }),
  );
}

function act(cloud: Cloud, { id, action }: z.infer<typeof actionSchema>): object {
  const now = cloud.now();
  const record = findInstance(cloud, id);
  const status = statusAt(record, now);
  switch (action) {
    case "terminate":
      cloud.terminate(record);
      break;
    case "preempt":
      record.preemptedAt ??= now;
      break;
    case "kill":
      record.vanishedAt ??= now;
      break;
    case "stick":
      if (status !== "booting") {
        const what = "only a booting instance can be stuck";
        throw new Error(formatProblem({ path: "instance", what, got: status, expected: "booting" }));
      }
      record.stuck = true;
      break;
    case "release":
      // It has not been running, or costing, all the while.
      if (record.stuck) record.activeAt = Math.max(record.activeAt, now);
      record.healthyAt = Math.max(record.healthyAt, record.activeAt);
      record.stuck = false;
      break;
  }
  return { id: record.id, name: record.name, status: statusAt(record, now) ?? "gone" };
}

function readAudit({ auditFile }: LambdaSimulator): unknown[] {
  if (!existsSync(auditFile)) return [];
  const lines = readFileSync(auditFile, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line): unknown => JSON.parse(line));
}

type Handler = (simulator: LambdaSimulator, body: unknown) => unknown;

/** By method and path below /admin. */
const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["GET state", ({ cloud }) => describe(cloud)],
  ["GET audit", readAudit],
  ["GET faults", ({ cloud }) => cloud.state.faults],
  [
    "POST faults",
    ({ cloud }, body) => {
      routeSchema.parse(body);
      const rule = faultRuleSchema.parse(body);
      cloud.state.faults.push(rule);
      return rule;
    },
  ],
  [
    "DELETE faults",
    ({ cloud }) => {
      cloud.state.faults = [];
      return {};
    },
  ],
  [
    "PUT capacity",
    ({ cloud }, body) => {
      const change = capacitySchema.parse(body);
      (cloud.state.capacity[change.type] ??= {})[change.region] = change.count;
      return change;
    },
  ],
  [
    "PUT account",
    ({ cloud }, body) => {
      const change = accountSchema.parse(body);
      cloud.state.accountActive = change.active;
      return change;
    },
  ],
  ["POST instances", ({ cloud }, body) => act(cloud, actionSchema.parse(body))],
]);

/** Answers a request below /admin; the token comes in the header `x-admin-token`, which no other site can send. */
export function handleAdmin(
  simulator: LambdaSimulator,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): void {
  if (request.headers["x-admin-token"] !== token) {
    const what = "is missing or wrong";
    const fix = "Open the address that `make status` shows";
    sendJson(response, 401, { error: formatProblem({ path: "admin token", what, fix }) });
    return;
  }
  const name = `${request.method ?? ""} ${(request.url ?? "").slice("/admin/".length)}`;
  const handler = handlers.get(name);
  if (handler === undefined) {
    const expected = [...handlers.keys()].join(", ");
    const what = "is not an admin request";
    sendJson(response, 404, { error: formatProblem({ path: "request", what, got: name, expected }) });
    return;
  }
  let value: unknown;
  try {
    value = body === "" ? undefined : JSON.parse(body);
    const answer = handler(simulator, value);
    if (request.method !== "GET") simulator.settle();
    sendJson(response, 200, answer);
  } catch (error) {
    sendJson(response, 400, { error: explain(error, value) });
  }
}

function explain(error: unknown, body: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const given = body as Readonly<Record<string, unknown>> | undefined;
  const problems = error.issues.map((issue) => {
    const [field = "request"] = issue.path.map(String);
    const got = given?.[field];
    if (issue.code !== "invalid_value") return formatProblem({ path: field, what: issue.message, got });
    const expected = issue.values.map(String).join(", ");
    return formatProblem({ path: field, what: "is not known", got, expected });
  });
  return problems.join("\n");
}
