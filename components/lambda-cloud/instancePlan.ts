/** What a Lambda Cloud instance is to be, and what a change of that means. Pure: nothing here talks to the API. */
import { isDeepStrictEqual } from "node:util";
import type { Adoptable } from "./adoption";
import { hardwareOf, type Hardware } from "./catalog";
import { isUnknown, type CheckFailure, type DiffResult } from "./handlers";
import { isListed, type LaunchSpec, type Placement, type RulesetRef } from "./launch";
import { canonicalJson } from "./naming";
import {
  HOSTNAME,
  isAlive,
  MAX_NAME_LENGTH,
  MAX_TAG_VALUE_LENGTH,
  MAX_USER_DATA_BYTES,
  MOUNT_POINT,
  TAG_KEY,
  type Instance,
} from "./schemas";

/** Where a file system is mounted. */
export interface Mount {
  /** Of the file system. */
  readonly id: string;
  readonly name: string;
  readonly region: string;
  /** Below /home, /lambda/nfs or /data. @default - /lambda/nfs/<name> */
  readonly mountPoint?: string;
}

export interface InstanceInputs extends Adoptable {
  readonly placements: readonly Placement[];
  readonly sshKeyName: string;
  readonly image?: { readonly family: string } | { readonly id: string };
  readonly hostname?: string;
  readonly userData?: string;
  readonly fileSystems?: readonly Mount[];
  readonly firewallRulesets?: readonly RulesetRef[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly capacityTimeoutMinutes?: number;
  readonly replacement?: "create-first" | "delete-first";
  /** The engine's own; kept with the properties of an instance that is not ready. */
  readonly __provider?: unknown;
}

export interface InstanceOutputs extends InstanceInputs, Hardware {
  readonly instanceType: string;
  readonly region: string;
  /** Absent only while the instance is not ready. */
  readonly ip?: string;
  readonly privateIp?: string;
  /** Opens the instance's notebook server; secret. */
  readonly jupyterToken?: string;
  /** With the token in it; secret. */
  readonly jupyterUrl?: string;
  /** Of these outputs; a later version must still read what this one wrote. */
  readonly schemaVersion: 1;
}

/** Fields that the API sets at launch and never again (https://docs.lambda.ai/api/cloud: launch). */
const LAUNCH_ONLY = ["sshKeyName", "image", "hostname", "userData", "tags"] as const;

/** Checks what a launch would be refused for; a launch attempt is scarce, and user data must not be echoed. */
export function checkInstance(news: InstanceInputs): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const refuse = (property: string, reason: string): void => void failures.push({ property, reason });
  if (news.placements.length === 0)
    refuse("placements", "There is no placement; give at least one instance type and region.");
  else failures.push(...checkFileSystems(news));
  if (!isUnknown(news.name) && news.name.length > MAX_NAME_LENGTH)
    refuse("name", `The name is longer than the ${MAX_NAME_LENGTH} characters that Lambda takes.`);
  if (news.hostname !== undefined && !isUnknown(news.hostname) && !HOSTNAME.test(news.hostname)) {
    refuse(
      "hostname",
      "The host name may have lower-case letters, digits and dashes, at most 63, and starts with no dash.",
    );
  }
  for (const [key, value] of typeof news.tags === "object" ? Object.entries(news.tags) : []) {
    if (!TAG_KEY.test(key)) {
      refuse(
        "tags",
        `The tag key ${key} may have 2 to 55 lower-case letters, digits, dashes and colons, starts with a letter, and not with lambda-ai-.`,
      );
    }
    if (value.length > MAX_TAG_VALUE_LENGTH) {
      const reason = `The value of the tag ${key} is longer than the ${MAX_TAG_VALUE_LENGTH} characters that Lambda takes.`;
      refuse("tags", reason);
    }
  }
  if (!isUnknown(news.userData) && Buffer.byteLength(news.userData ?? "") > MAX_USER_DATA_BYTES) {
    refuse("", "The user data is larger than the 1,000,000 bytes that Lambda takes.");
  }
  return failures;
}

function checkFileSystems({ placements, fileSystems = [] }: InstanceInputs): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const { name, mountPoint } of fileSystems) {
    if (mountPoint !== undefined && !isUnknown(mountPoint) && !MOUNT_POINT.test(mountPoint)) {
      const reason = `The mount point ${mountPoint} of ${name} is not below /home, /lambda/nfs or /data.`;
      failures.push({ property: "fileSystems", reason });
    }
  }
  const pinned = { placements, fileSystems };
  if (!isUnknown(pinned) && usablePlacements(pinned).length === 0) {
    const homes = fileSystems.map(({ name, region }) => `${name} in ${region}`).join(", ");
    const reason = `No placement is in the region of every file system (${homes}); add that region.`;
    failures.push({ property: "placements", reason });
  }
  return failures;
}

/** Placements in the region of every file system: they cannot be mounted from elsewhere. */
export function usablePlacements({
  placements,
  fileSystems = [],
}: Pick<InstanceInputs, "placements" | "fileSystems">): Placement[] {
  return placements.filter((placement) => fileSystems.every(({ region }) => region === placement.region));
}

/** Rulesets that an instance in this region is launched with; unknown stays unknown. */
function rulesetsIn(region: string, { firewallRulesets = [] }: InstanceInputs): unknown {
  if (isUnknown(firewallRulesets)) return firewallRulesets;
  return firewallRulesets.filter((ruleset) => ruleset.region === region).map(({ id }) => id);
}

const mountsOf = ({ fileSystems = [] }: InstanceInputs): unknown =>
  isUnknown(fileSystems) ? fileSystems : fileSystems.map(({ id, mountPoint }) => ({ id, mountPoint }));

/** Which changes touch the instance, and which need another one. An instance whose placement is still listed stays. */
export function diffInstance(olds: InstanceOutputs, news: InstanceInputs): DiffResult {
  const replaces: string[] = LAUNCH_ONLY.filter((key) => !same(olds[key], news[key]));
  const stays =
    isUnknown(news.placements) ||
    // Never seen since its launch: it is not known where it runs, so nothing says that it must move.
    (olds as Partial<InstanceOutputs>).instanceType === undefined ||
    news.placements.some((p) => p.instanceType === olds.instanceType && p.region === olds.region);
  if (!stays) replaces.push("placements");
  if (!same(mountsOf(olds), mountsOf(news))) replaces.push("fileSystems");
  if (!same(rulesetsIn(olds.region, olds), rulesetsIn(olds.region, news))) replaces.push("firewallRulesets");
  const inPlace =
    olds.name !== news.name ||
    !same(olds.placements, news.placements) ||
    !same(olds.firewallRulesets, news.firewallRulesets) ||
    olds.replacement !== news.replacement;
  return {
    changes: inPlace || replaces.length > 0,
    replaces,
    deleteBeforeReplace: news.replacement === "delete-first",
  };
}

const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(normal(a), normal(b));

const normal = (value: unknown): unknown =>
  value === undefined || value === null ? undefined : JSON.parse(canonicalJson(value));

/** What the API is asked for, wherever the instance is placed. */
export function launchSpec(inputs: InstanceInputs): LaunchSpec {
  const { image, hostname, userData, fileSystems = [], firewallRulesets: rulesets, tags } = inputs;
  const byName = fileSystems.filter(({ mountPoint }) => mountPoint === undefined).map(({ name }) => name);
  const mounts = fileSystems.flatMap(({ id, mountPoint }) =>
    mountPoint === undefined ? [] : [{ file_system_id: id, mount_point: mountPoint }],
  );
  return {
    name: inputs.name,
    ssh_key_names: [inputs.sshKeyName],
    ...(image === undefined ? {} : { image }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(userData === undefined ? {} : { user_data: userData }),
    ...(byName.length === 0 ? {} : { file_system_names: byName }),
    ...(mounts.length === 0 ? {} : { file_system_mounts: mounts }),
    ...(rulesets === undefined ? {} : { rulesets }),
    tags: Object.entries({ ...tags, "managed-by": "pulumi" }).map(([key, value]) => ({ key, value })),
  };
}

/** What is known of an instance that has been seen. */
export function outputs(inputs: InstanceInputs, instance: Instance): InstanceOutputs {
  const { ip, private_ip, jupyter_token, jupyter_url, region, instance_type: type } = instance;
  return {
    ...inputs,
    instanceType: type.name,
    region: region.name,
    // The engine takes no undefined: what is not there has no key.
    ...(ip ? { ip } : {}),
    ...(private_ip ? { privateIp: private_ip } : {}),
    ...(jupyter_token ? { jupyterToken: jupyter_token } : {}),
    ...(jupyter_url ? { jupyterUrl: jupyter_url } : {}),
    ...hardwareOf(type),
    schemaVersion: 1,
  };
}

/** Why an instance cannot be taken over; undefined when it can. */
export function adoptionObstacle(instance: Instance | undefined, inputs: InstanceInputs): string | undefined {
  if (instance === undefined || !isAlive(instance)) return "There is no living instance of this id.";
  if (!isUnknown(inputs.placements) && !isListed(inputs.placements, instance)) {
    return `The instance is a ${instance.instance_type.name} in ${instance.region.name}; add this to the placements.`;
  }
  if (!isUnknown(inputs.sshKeyName) && !instance.ssh_key_names.includes(inputs.sshKeyName)) {
    return `The instance has the SSH keys ${instance.ssh_key_names.join(", ")}; expected ${inputs.sshKeyName}.`;
  }
  const { hostname } = inputs;
  if (hostname !== undefined && !isUnknown(hostname) && instance.hostname && instance.hostname !== hostname) {
    return `The instance has the host name ${instance.hostname}; expected ${hostname}.`;
  }
  return undefined;
}
