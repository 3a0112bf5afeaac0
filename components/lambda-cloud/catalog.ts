import { didYouMean } from "../didYouMean";
import type { Problem } from "../problems";
import type { LambdaCloudClient } from "./client";
import type { InstanceType, InstanceTypes } from "./schemas";

/** What an instance is made of, and what it costs. */
export interface Hardware {
  readonly gpus: number;
  readonly vcpus: number;
  readonly memoryGib: number;
  /** As Kubernetes names it. */
  readonly architecture: "amd64" | "arm64";
  /** US dollars. */
  readonly hourlyPriceUsd: number;
}

export function hardwareOf({ name, specs, architecture, price_cents_per_hour }: InstanceType): Hardware {
  return {
    gpus: specs.gpus,
    vcpus: specs.vcpus,
    memoryGib: specs.memory_gib,
    // Replies without the field are of types that are known by their name.
    architecture: architecture === "arm64" || /gh200|gb200/.test(name) ? "arm64" : "amd64",
    hourlyPriceUsd: price_cents_per_hour / 100,
  };
}

/** An instance type as it can be had today. */
export interface InstanceTypeInfo extends Hardware {
  /** Such as `gpu_1x_a10`. */
  readonly name: string;
  readonly description: string;
  readonly storageGib: number;
  /** Names of the regions that have room now. */
  readonly regions: readonly string[];
}

/** Every instance type with its price and where there is room, as of now, by name. */
export async function lookUpInstanceTypes(
  client: Pick<LambdaCloudClient, "listInstanceTypes">,
): Promise<Readonly<Record<string, InstanceTypeInfo>>> {
  const entries = Object.values(await client.listInstanceTypes());
  return Object.fromEntries(
    entries.map(({ instance_type: type, regions_with_capacity_available: regions }) => [
      type.name,
      {
        name: type.name,
        description: type.description,
        storageGib: type.specs.storage_gib,
        ...hardwareOf(type),
        regions: regions.map(({ name }) => name),
      },
    ]),
  );
}

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
