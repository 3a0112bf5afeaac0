import { didYouMean } from "../didYouMean";
import type { Problem } from "../problems";
import type { LambdaCloudClient } from "./client";
import type { InstanceTypes } from "./schemas";

/** An instance type in a region, and where in the configuration it is asked for. */
export interface WantedPlacement {
  readonly path: string;
  readonly instanceType: string;
  readonly region: string;
}

const list = (names: Iterable<string>): string => [...names].sort().join(", ");

function problem(path: string, what: string, got: string, known: readonly string[]): Problem {
  const near = didYouMean(got, known);
  const fix =
    near === undefined
      ? "Choose one that Lambda offers"
      : `Did you mean ${JSON.stringify(near)}? Otherwise choose one that Lambda offers`;
  return { path, what, got, expected: `one of ${list(known)}`, fix };
}

async function knownRegions(
  client: Pick<LambdaCloudClient, "listRegions">,
  types: InstanceTypes,
): Promise<string[]> {
  const regions = await client.listRegions();
  const names = regions ?? Object.values(types).flatMap((type) => type.regions_with_capacity_available);
  return [...new Set(names.map(({ name }) => name))];
}

/**
 * Instance types and regions that Lambda does not have today, all of them, each once. Regions come and go, so both are
 * asked of the API and never kept in a list of ours.
 */
export async function findPlacementProblems(
  client: Pick<LambdaCloudClient, "listInstanceTypes" | "listRegions">,
  wanted: readonly WantedPlacement[],
): Promise<Problem[]> {
  const types = await client.listInstanceTypes();
  const regions = await knownRegions(client, types);
  const problems = wanted.flatMap(({ path, instanceType, region }) => [
    ...(instanceType in types
      ? []
      : [
          problem(
            `${path}.instanceTypes`,
            "Lambda has no such instance type",
            instanceType,
            Object.keys(types),
          ),
        ]),
    ...(regions.includes(region)
      ? []
      : [problem(`${path}.regions`, "Lambda has no such region", region, regions)]),
  ]);
  return [...new Map(problems.map((p) => [`${p.path} ${String(p.got)}`, p])).values()];
}
