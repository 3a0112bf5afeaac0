import { findPlacementProblems } from "../components/lambda-cloud/catalog";
import { LambdaCloudError } from "../components/lambda-cloud/errors";
import { clientFromEnvironment } from "../components/lambda-cloud/settings";
import { checkCatalog } from "../components/mcp/catalogChecks";
import { throwIfAny, type Problem } from "../components/problems";
import {
  crossCheck,
  parseConfig,
  secretNames,
  wellFormedOverrides,
  type RawConfig,
  type StackConfig,
} from "./config";
import { placements } from "./foundation";
import { mcpCatalog } from "./mcpCatalog";
import { enabledServers } from "./platform";
import { CORE_SECRETS } from "./workloads";

/** Secrets that this stack's workloads read but its configuration lacks. */
export function missingSecrets(config: Partial<StackConfig>, raw: RawConfig): Problem[] {
  const { mcp, secretSource } = config;
  if (mcp === undefined || secretSource !== "config") return [];
  const readers = new Map<string, string[]>(CORE_SECRETS.map((name) => [name, ["the core API"]]));
  for (const server of enabledServers({ mcp })) {
    for (const name of server.secrets)
      readers.set(name, [...(readers.get(name) ?? []), `MCP server ${server.name}`]);
  }
  const present = secretNames(raw);
  return [...readers]
    .filter(([name]) => !present.has(name))
    .map(([name, who]) => ({
      path: `secrets.${name}`,
      what: `is missing and read by ${who.join(", ")}`,
      expected: "a secret",
      fix: `Set it with: pulumi config set --secret --path secrets.${name}`,
    }));
}

/** Mistakes in the catalog as this stack changes it. One override of the wrong shape hides none in the others. */
function catalogProblems({ mcp }: Partial<StackConfig>, raw: RawConfig): Problem[] {
  return checkCatalog(mcpCatalog, mcp?.servers ?? wellFormedOverrides(raw), {
    gpuQuota: mcp?.gpuQuota ?? Infinity,
  });
}

/** Instance types and regions that Lambda does not have. Asks the API, so that the answer is today's. */
async function placementProblems(config: Partial<StackConfig>, raw: RawConfig): Promise<Problem[]> {
  const { nodes, lambda } = config;
  if (nodes === undefined || lambda === undefined) return [];
  const client = clientFromEnvironment({ get: (key) => raw[key] });
  if (client === undefined) return []; // no API key: reported by crossCheck
  const wanted = Object.entries(nodes).flatMap(([pool, settings]) =>
    placements(settings).map((placement) => ({ path: `nodes.${pool}`, ...placement })),
  );
  try {
    return await findPlacementProblems(client, wanted);
  } catch (error) {
    if (!(error instanceof LambdaCloudError)) throw error;
    return [{ path: "nodes", what: `cannot be checked. ${error.message.replace(/\.$/, "")}` }];
  }
}

/**
 * Everything that can be known to be wrong before a resource is touched, in one report: settings, the catalog,
 * secrets, instance types and regions.
 *
 * @throws ProblemReport
 */
export async function preflight(stack: string, raw: RawConfig): Promise<StackConfig> {
  const { config, problems } = parseConfig(raw);
  problems.push(...crossCheck(config, raw, process.env));
  problems.push(...catalogProblems(config, raw));
  problems.push(...missingSecrets(config, raw), ...(await placementProblems(config, raw)));
  throwIfAny(`configuration of stack ${stack}`, problems);
  return config as StackConfig;
}
