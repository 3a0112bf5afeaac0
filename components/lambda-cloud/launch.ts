import type { LambdaCloudClient } from "./client";
import { LambdaCloudError } from "./errors";
import type { Clock } from "./limiter";
import type { Instance, InstanceTypes, LaunchRequest } from "./schemas";

/** A type and a region that an instance may run in. */
export interface Placement {
  readonly instanceType: string;
  readonly region: string;
}

/** What a launch needs besides where to place it. */
export type LaunchSpec = Omit<LaunchRequest, "region_name" | "instance_type_name" | "name"> & {
  readonly name: string;
};

interface LaunchContext {
  readonly client: Pick<LambdaCloudClient, "listInstances" | "listInstanceTypes" | "launch" | "terminate">;
  readonly clock: Clock;
  readonly pollIntervalMs: number;
  readonly settleMs: number;
}

const ALIVE = new Set<Instance["status"]>(["booting", "active", "unhealthy"]);
const NO_CAPACITY = "instance-operations/launch/insufficient-capacity";

/** The instance of that name that is alive. Should there be several, the oldest known stays and the others go. */
export async function findByName(
  { client }: Pick<LaunchContext, "client">,
  name: string,
): Promise<string | undefined> {
  const mine = (await client.listInstances()).filter((i) => i.name === name && ALIVE.has(i.status));
  const [keep, ...doubles] = mine.sort(
    (a, b) => Number(b.status === "active") - Number(a.status === "active") || (a.id < b.id ? -1 : 1),
  );
  for (const double of doubles) await client.terminate(double.id);
  return keep?.id;
}

function withCapacity(placements: readonly Placement[], types: InstanceTypes): Placement[] {
  return placements.filter(({ instanceType, region }) =>
    types[instanceType]?.regions_with_capacity_available.some(({ name }) => name === region),
  );
}

const show = (placements: readonly Placement[]): string =>
  placements.map(({ instanceType, region }) => `${instanceType} in ${region}`).join(", ");

/**
 * Launches one instance, exactly once. An instance of that name that is alive is taken over instead: it is ours, from
 * a run that was cut off before its state was written. When the outcome of a launch is unclear, the name is looked for
 * until the time for it is over; only then, and only if the list could be read, one more launch is made.
 *
 * @returns The instance's id
 * @throws LambdaCloudError when the API refuses, Error when there is no capacity or the outcome stays unclear
 */
export async function launchOnce(
  context: LaunchContext,
  placements: readonly Placement[],
  spec: LaunchSpec,
): Promise<string> {
  const existing = await findByName(context, spec.name);
  if (existing !== undefined) return existing;
  const candidates = withCapacity(placements, await context.client.listInstanceTypes());
  for (const placement of candidates) {
    const id = await tryPlacement(context, placement, spec);
    if (id !== undefined) return id;
  }
  throw new Error(
    `${spec.name}: Lambda has no capacity (tried ${candidates.length} of ${placements.length} placements); expected room for one of ${show(placements)}. Add instance types or regions, or try again later.`,
  );
}

/** @returns undefined when this placement has no capacity, which is known for certain */
async function tryPlacement(
  context: LaunchContext,
  { instanceType, region }: Placement,
  spec: LaunchSpec,
): Promise<string | undefined> {
  const request = { ...spec, instance_type_name: instanceType, region_name: region };
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      const [id] = await context.client.launch(request);
      if (id !== undefined) return id;
    } catch (error) {
      if (!(error instanceof LambdaCloudError)) throw error;
      if (error.kind === "refused" && error.code === NO_CAPACITY) return undefined;
      if (error.kind !== "ambiguous") throw error;
    }
    const found = await settle(context, spec.name);
    if (found !== undefined) return found;
  }
  throw new Error(
    `${spec.name}: it is not known whether the launch succeeded; no instance of this name has appeared. Look for it in the Lambda Cloud console, then run the command again: it takes over an instance of this name.`,
  );
}

/** Looks for an instance after a launch whose outcome is unclear. A list that cannot be read decides nothing. */
async function settle(context: LaunchContext, name: string): Promise<string | undefined> {
  const { clock, settleMs, pollIntervalMs } = context;
  const deadline = clock.now() + settleMs;
  for (;;) {
    const found = await findByName(context, name);
    if (found !== undefined || clock.now() >= deadline) return found;
    await clock.sleep(pollIntervalMs);
  }
}
