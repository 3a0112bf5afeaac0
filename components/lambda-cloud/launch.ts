import { createHash } from "node:crypto";
import { certain } from "./certain";
import type { LambdaContext } from "./context";
import { LambdaCloudError } from "./errors";
import { canonicalJson } from "./naming";
import { isAlive, type Instance, type InstanceTypes, type LaunchRequest } from "./schemas";

/** A type and a region that an instance may run in. */
export interface Placement {
  readonly instanceType: string;
  readonly region: string;
}

/** A firewall ruleset; instances take those of their own region. */
export interface RulesetRef {
  readonly id: string;
  readonly region: string;
}

/** What a launch needs besides where to place it. */
export type LaunchSpec = Omit<
  LaunchRequest,
  "region_name" | "instance_type_name" | "name" | "firewall_rulesets"
> & {
  readonly name: string;
  readonly rulesets?: readonly RulesetRef[];
};

export interface LaunchOptions {
  /** How long room is waited for when no placement has any, milliseconds. @default 0 */
  readonly capacityTimeoutMs?: number;
}

type LaunchContext = LambdaContext<"listInstances" | "listInstanceTypes" | "launch" | "terminate">;

/** Between two looks for room, in poll intervals: half a minute by default. */
const CAPACITY_POLLS = 6;

const NO_CAPACITY = "instance-operations/launch/insufficient-capacity";

/** Tells launches of one name apart: the hash of everything that a launch sets and that cannot change later. */
const LAUNCH_TAG = "sophia-launch";

const tagOf = ({ tags }: Instance, key: string): string | undefined =>
  tags?.find((tag) => tag.key === key)?.value;

const launchHash = (spec: LaunchSpec): string =>
  createHash("sha256")
    .update(canonicalJson({ ...spec, name: undefined }))
    .digest("hex")
    .slice(0, 16);

/** The living instances that this very launch would have made. A name alone is not enough: names are not unique. */
async function findAlike(
  { client }: Pick<LaunchContext, "client">,
  placements: readonly Placement[],
  spec: LaunchSpec,
): Promise<Instance[]> {
  const hash = launchHash(spec);
  return (await client.listInstances()).filter(
    (instance) =>
      instance.name === spec.name &&
      isAlive(instance) &&
      spec.ssh_key_names.every((key) => instance.ssh_key_names.includes(key)) &&
      isListed(placements, instance) &&
      (tagOf(instance, LAUNCH_TAG) ?? hash) === hash,
  );
}

/** Whether an instance runs in one of these placements. */
export function isListed(
  placements: readonly Placement[],
  { instance_type, region }: Pick<Instance, "instance_type" | "region">,
): boolean {
  return placements.some((p) => p.instanceType === instance_type.name && p.region === region.name);
}

/** One of several instances of the same launch stays, an active one where there is one; the others go if marked ours. */
async function keepOne(
  { client }: Pick<LaunchContext, "client">,
  alike: readonly Instance[],
): Promise<string | undefined> {
  const [keep, ...doubles] = [...alike].sort(
    (a, b) => Number(b.status === "active") - Number(a.status === "active") || (a.id < b.id ? -1 : 1),
  );
  for (const double of doubles.filter((instance) => tagOf(instance, LAUNCH_TAG) !== undefined)) {
    console.warn(
      `${double.name ?? ""}: launched twice; keeping ${keep?.id ?? ""}, terminating ${double.id}.`,
    );
    await client.terminate(double.id);
  }
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
 * Launches one instance, exactly once. An instance of the same name and launch that is alive is taken over instead: it
 * is ours, from a run that was cut off before its state was written. When the outcome of a launch is unclear, the
 * instance is looked for until the time for it is over; only then, and only if the list could be read, one more launch
 * is made.
 *
 * @returns The instance's id, and whether it was there before
 * @throws LambdaCloudError when the API refuses, Error when there is no capacity or the outcome stays unclear
 */
export async function launchOnce(
  context: LaunchContext,
  placements: readonly Placement[],
  spec: LaunchSpec,
  { capacityTimeoutMs = 0 }: LaunchOptions = {},
): Promise<{ id: string; takenOver: boolean }> {
  const find = async (): Promise<string | undefined> =>
    keepOne(context, await findAlike(context, placements, spec));
  const existing = await find();
  if (existing !== undefined) return { id: existing, takenOver: true };

  const tags = [...(spec.tags ?? []), { key: LAUNCH_TAG, value: launchHash(spec) }];
  const deadline = context.clock.now() + capacityTimeoutMs;
  for (;;) {
    const candidates = withCapacity(placements, await context.client.listInstanceTypes());
    for (const placement of candidates) {
      const id = await tryPlacement(context, placement, { ...spec, tags }, find);
      if (id !== undefined) return { id, takenOver: false };
    }
    if (context.clock.now() >= deadline) {
      throw new Error(
        `${spec.name}: Lambda has no capacity (tried ${candidates.length} of ${placements.length} placements); expected room for one of ${show(placements)}. Add instance types or regions, or try again later.`,
      );
    }
    await context.clock.sleep(CAPACITY_POLLS * context.settings.pollIntervalMs);
  }
}

/** @returns undefined when this placement has no capacity, which is known for certain */
async function tryPlacement(
  context: LaunchContext,
  { instanceType, region }: Placement,
  spec: LaunchSpec,
  find: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const { rulesets = [], ...request } = spec;
  const attached = rulesets.filter((ruleset) => ruleset.region === region).map(({ id }) => ({ id }));
  const create = async (): Promise<string | undefined> => {
    const [id] = await context.client.launch({
      ...request,
      instance_type_name: instanceType,
      region_name: region,
      ...(attached.length === 0 ? {} : { firewall_rulesets: attached }),
    });
    return id;
  };
  try {
    return await certain(context, { subject: spec.name, create, find });
  } catch (error) {
    if (error instanceof LambdaCloudError && error.kind === "refused" && error.code === NO_CAPACITY)
      return undefined;
    throw error;
  }
}
