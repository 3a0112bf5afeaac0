import type { z } from "zod";
import type { Problem } from "../problems";
import { zodProblems } from "../zodProblems";
import {
  mcpRoute,
  mcpObjectName,
  mcpServerOverrideSchema,
  mcpServerRowSchema,
  resolveServer,
  type McpCatalog,
  type McpServer,
  type McpServerOverride,
} from "./catalog";
import { didYouMean } from "../didYouMean";
import { needCycles } from "./needs";
import { at, checkServer, isCount } from "./serverChecks";

/** What the servers of a stack may use together. */
export interface McpLimits {
  /** Most GPUs that all enabled servers together may ask for. */
  readonly gpuQuota: number;
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_LABEL_LENGTH = 63;

function checkName(name: string): Problem[] {
  const objectName = mcpObjectName(name);
  if (DNS_LABEL.test(objectName) && objectName.length <= DNS_LABEL_LENGTH) return [];
  return [
    {
      path: at(name),
      what: "the name does not make a valid Kubernetes name",
      got: objectName,
      expected: `lower-case letters, digits and dashes, at most ${DNS_LABEL_LENGTH} characters`,
      fix: "Rename the server",
    },
  ];
}

function checkNeeds(
  server: McpServer,
  known: ReadonlySet<string>,
  servers: ReadonlyMap<string, McpServer>,
): Problem[] {
  return server.needs.servers.flatMap((need, i): Problem[] => {
    const path = at(server.name, `needs.servers[${i}]`);
    if (need === server.name) return [{ path, what: "the server needs itself", got: need, fix: "Remove it" }];
    if (!known.has(need)) return [{ path, got: need, ...unknownServer(need, known) }];
    if (!server.enabled || servers.get(need)?.enabled !== false) return [];
    return [
      {
        path,
        what: "the needed server is disabled",
        got: need,
        expected: "an enabled server",
        fix: `Set ${at(need, "enabled")} to true, or ${at(server.name, "enabled")} to false`,
      },
    ];
  });
}

function unknownServer(name: string, known: ReadonlySet<string>): Pick<Problem, "what" | "fix"> {
  const near = didYouMean(name, known);
  const fix =
    near === undefined
      ? "Remove it, or add a row to the catalog"
      : `Did you mean ${JSON.stringify(near)}? Otherwise remove it`;
  return { what: "is not a server of the catalog", fix };
}

/** Kubernetes name and route are the same function of the name, so that they clash together or not at all. */
function checkDuplicates(names: Iterable<string>): Problem[] {
  const first = new Map<string, string>();
  const problems: Problem[] = [];
  for (const name of names) {
    const route = mcpRoute(name);
    const other = first.get(route);
    if (other === undefined) first.set(route, name);
    else {
      const what = `has the Kubernetes name and the route of ${at(other)}`;
      problems.push({
        path: at(name),
        what,
        got: `${mcpObjectName(name)}, ${route}`,
        fix: "Rename one of them",
      });
    }
  }
  return problems;
}

function checkCycles(servers: Iterable<McpServer>): Problem[] {
  return needCycles(new Map([...servers].map(({ name, needs }) => [name, needs.servers]))).map((cycle) => ({
    path: at(cycle[0], "needs.servers"),
    what: `the needs go round in a circle: ${[...cycle, cycle[0]].join(" -> ")}`,
    fix: "Remove one of these needs",
  }));
}

function checkGpuQuota(servers: Iterable<McpServer>, { gpuQuota }: McpLimits): Problem[] {
  const users = [...servers].filter(
    ({ enabled, gpus, replicas }) => enabled && isCount(replicas) && isCount(gpus) && gpus * replicas > 0,
  );
  const total = users.reduce((sum, { gpus, replicas }) => sum + gpus * replicas, 0);
  if (total <= gpuQuota) return [];
  const shares = users.map(({ name, gpus, replicas }) => `${name} ${gpus * replicas}`).join(", ");
  return [
    {
      path: "mcp.gpuQuota",
      what: `the enabled servers ask for ${total} GPUs (${shares})`,
      got: gpuQuota,
      expected: `at least ${total}`,
      fix: "Raise it, or lower gpus or replicas of these servers",
    },
  ];
}

function shapeProblems(schema: z.ZodType, name: string, value: unknown): Problem[] {
  const result = schema.safeParse(value);
  return result.success ? [] : zodProblems(result.error, at(name), value);
}

/**
 * Checks the catalog together with a stack's overrides, and returns everything that is wrong with them. A row or an
 * override of the wrong shape is reported and then left out, so that one mistake is not reported twice.
 *
 * @param rows The catalog
 * @param overrides The stack's `mcp.servers`, by catalog name
 */
export function checkCatalog(
  rows: McpCatalog,
  overrides: Readonly<Record<string, McpServerOverride>>,
  limits: McpLimits,
): Problem[] {
  const problems: Problem[] = [];
  const known = new Set(Object.keys(rows));
  const sound = new Map<string, McpServerOverride>();
  for (const [name, override] of Object.entries(overrides)) {
    if (!known.has(name)) problems.push({ path: at(name), ...unknownServer(name, known) });
    const shape = shapeProblems(mcpServerOverrideSchema, name, override);
    if (shape.length === 0) sound.set(name, override);
    problems.push(...shape);
  }
  const servers = new Map<string, McpServer>();
  for (const [name, row] of Object.entries(rows)) {
    const shape = shapeProblems(mcpServerRowSchema, name, row);
    if (shape.length === 0) servers.set(name, resolveServer(name, row, sound.get(name)));
    problems.push(...shape, ...checkName(name));
  }
  for (const server of servers.values()) {
    problems.push(...checkServer(server), ...checkNeeds(server, known, servers));
  }
  return [
    ...problems,
    ...checkDuplicates(known),
    ...checkCycles(servers.values()),
    ...checkGpuQuota(servers.values(), limits),
  ];
}
