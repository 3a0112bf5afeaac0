/** What tests, the command line and the page use to look behind the API and to break things. */
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { instanceTypes, regions } from "./catalogue";
import { faultRuleSchema } from "./faults";
import { billedSeconds, statusAt } from "./instanceLife";
import type { LambdaSimulator } from "./simulator";

const actionSchema = z.strictObject({
  id: z.string(),
  action: z.enum(["terminate", "preempt", "stick", "release"]),
});
const capacitySchema = z.strictObject({ type: z.string(), region: z.string(), count: z.int().min(0) });

/** Everything, as JSON: instances with status, age and cost, keys, file systems, capacity, faults. */
function describe({ cloud }: LambdaSimulator): object {
  const now = cloud.now();
  return {
    virtualSeconds: Math.round(now / 1000),
    accountActive: cloud.state.accountActive,
    instances: cloud.state.instances.map((record) => {
      const cents = instanceTypes[record.type]?.price_cents_per_hour ?? 0;
      return {
        id: record.id,
        name: record.name,
        type: record.type,
        region: record.region,
        ip: record.ip,
        status: statusAt(record, now),
        ageSeconds: Math.round((now - record.launchedAt) / 1000),
        usdPerHour: cents / 100,
        usd: (billedSeconds(record, now) / 3600) * (cents / 100),
      };
    }),
    sshKeys: cloud.state.sshKeys.map(({ id, name }) => ({ id, name })),
    fileSystems: cloud
      .listFileSystems()
      .map(({ id, name, region, is_in_use }) => ({ id, name, region: region.name, inUse: is_in_use })),
    rulesets: cloud
      .listRulesets()
      .map(({ id, name, instance_ids }) => ({ id, name, instances: instance_ids.length })),
    capacity: Object.fromEntries(
      Object.keys(instanceTypes).map((type) => [
        type,
        Object.fromEntries(
          Object.keys(regions)
            .map((region): [string, number] => [region, cloud.capacity(type, region)])
            .filter(([, count]) => count > 0),
        ),
      ]),
    ),
    faults: cloud.state.faults,
  };
}

function act({ cloud }: LambdaSimulator, { id, action }: z.infer<typeof actionSchema>): object {
  const record = cloud.state.instances.find((i) => i.id === id || i.name === id);
  if (record === undefined)
    throw new Error(`instance: is not known (got ${JSON.stringify(id)}); expected an id or a name.`);
  switch (action) {
    case "terminate":
      cloud.terminate([record.id]);
      break;
    case "preempt":
      record.preemptedAt = cloud.now();
      break;
    case "stick":
      record.stuck = true;
      break;
    case "release":
      record.stuck = false;
  }
  return { id: record.id, status: statusAt(record, cloud.now()) };
}

function audit({ auditFile }: LambdaSimulator): unknown[] {
  const lines = existsSync(auditFile) ? readFileSync(auditFile, "utf8").trimEnd().split("\n") : [];
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
}

/** By method and path below /admin. */
const handlers: Readonly<Record<string, (simulator: LambdaSimulator, body: unknown) => unknown>> = {
  "GET state": (simulator) => describe(simulator),
  "GET audit": audit,
  "POST faults": ({ cloud }, body) => {
    const rule = faultRuleSchema.parse(body);
    cloud.state.faults.push(rule);
    return rule;
  },
  "DELETE faults": ({ cloud }) => {
    cloud.state.faults.length = 0;
    return {};
  },
  "PUT capacity": ({ cloud }, body) => {
    const { type, region, count } = capacitySchema.parse(body);
    (cloud.state.capacity[type] ??= {})[region] = count;
    return { type, region, count };
  },
  "PUT account": ({ cloud }, body) => {
    cloud.state.accountActive = z.strictObject({ active: z.boolean() }).parse(body).active;
    return {};
  },
  "POST instances": (simulator, body) => act(simulator, actionSchema.parse(body)),
};

/** Answers a request below /admin; the token comes in the header `x-admin-token`, which no other site can send. */
export function handleAdmin(
  simulator: LambdaSimulator,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): void {
  const send = (status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (request.headers["x-admin-token"] !== token) {
    send(401, { error: "the admin token is missing or wrong" });
    return;
  }
  const handler = handlers[`${request.method ?? ""} ${(request.url ?? "").replace(/^\/admin\//, "")}`];
  if (handler === undefined) {
    send(404, { error: "there is no such admin request" });
    return;
  }
  try {
    const answer = handler(simulator, body === "" ? undefined : JSON.parse(body));
    if (request.method !== "GET") simulator.save();
    simulator.tick();
    send(200, answer);
  } catch (error) {
    send(400, {
      error: error instanceof z.ZodError ? z.prettifyError(error) : String((error as Error).message),
    });
  }
}
