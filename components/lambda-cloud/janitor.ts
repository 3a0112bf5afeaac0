/** Finds what a project owns at Lambda but no state holds, and removes it on request. */
import { z } from "zod";
import { hardwareOf } from "./catalog";
import type { LambdaCloudClient } from "./client";
import { isOwnedName } from "./naming";
import { isAlive } from "./schemas";

const resourceSchema = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  inputs: z.looseObject({ name: z.unknown().optional() }).optional(),
});

/** What `pulumi stack export` prints, as far as it is read here. */
const exportSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z.array(z.looseObject({ resource: resourceSchema })).nullish(),
  }),
});

/** What the states of a project's stacks know of. */
export interface Held {
  readonly ids: ReadonlySet<string>;
  /** Of resources whose creation is under way or was cut off; the next `up` takes them over. */
  readonly pendingNames: ReadonlySet<string>;
}

const isLambda = ({ type }: { readonly type: string }): boolean =>
  type.startsWith("pulumi-nodejs:dynamic/lambda:");

/** Reads exported states. @throws ZodError when one is no export */
export function heldBy(exports: readonly unknown[]): Held {
  const deployments = exports.map((exported) => exportSchema.parse(exported).deployment);
  const resources = deployments.flatMap((deployment) => deployment.resources ?? []).filter(isLambda);
  const pending = deployments
    .flatMap((deployment) => deployment.pending_operations ?? [])
    .map(({ resource }) => resource)
    .filter(isLambda);
  return {
    ids: new Set(resources.flatMap(({ id }) => id ?? [])),
    pendingNames: new Set(
      pending.map(({ inputs }) => inputs?.name).filter((name) => typeof name === "string"),
    ),
  };
}

/** Something at Lambda that bears the project's mark. */
export interface Owned {
  readonly kind: "instance" | "firewall ruleset" | "SSH key" | "file system";
  readonly id: string;
  readonly name: string;
  /** US dollars, for what costs by the hour. */
  readonly hourlyPriceUsd?: number;
}

/** Something that no state holds. */
export interface Leftover extends Owned {
  /** Whether an update that is running or was cut off makes it. */
  readonly isPending: boolean;
}

/** All that bears the project's mark, in the order in which it can be removed. */
export async function findOwned(
  client: Pick<
    LambdaCloudClient,
    "listInstances" | "listFirewallRulesets" | "listSshKeys" | "listFileSystems"
  >,
  project: string,
): Promise<Owned[]> {
  const instances = (await client.listInstances()).filter(isAlive).map(({ id, name, instance_type }) => ({
    id,
    name: name ?? "",
    hourlyPriceUsd: hardwareOf(instance_type).hourlyPriceUsd,
  }));
  const named = ({ id, name }: Pick<Owned, "id" | "name">) => ({ id, name });
  const kinds: [Owned["kind"], readonly Omit<Owned, "kind">[]][] = [
    ["instance", instances],
    ["firewall ruleset", (await client.listFirewallRulesets()).map(named)],
    ["SSH key", (await client.listSshKeys()).map(named)],
    ["file system", (await client.listFileSystems()).map(named)],
  ];
  return kinds.flatMap(([kind, all]) =>
    all.filter(({ name }) => isOwnedName(project, name)).map((one) => ({ kind, ...one })),
  );
}

/** Those that no state holds. */
export const leftOver = (owned: readonly Owned[], { ids, pendingNames }: Held): Leftover[] =>
  owned.filter(({ id }) => !ids.has(id)).map((one) => ({ ...one, isPending: pendingNames.has(one.name) }));

/** Removes one of them. A file system goes with its data. */
export function removeLeftover(
  client: Pick<
    LambdaCloudClient,
    "terminate" | "deleteFirewallRuleset" | "deleteSshKey" | "deleteFileSystem"
  >,
  { kind, id }: Owned,
): Promise<void> {
  switch (kind) {
    case "instance":
      return client.terminate(id);
    case "firewall ruleset":
      return client.deleteFirewallRuleset(id);
    case "SSH key":
      return client.deleteSshKey(id);
    case "file system":
      return client.deleteFileSystem(id);
  }
}
