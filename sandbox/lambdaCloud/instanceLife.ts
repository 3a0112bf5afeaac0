/** An instance's life as a function of time: nothing is stored but the moments at which it changes. */
import type { Instance, InstanceStatus } from "../../components/lambda-cloud/schemas";
import { instanceTypes, regions } from "./catalogue";
import type { InstanceRecord } from "./state";

/** Milliseconds of virtual time. */
const IP_AFTER = 25_000;
const TERMINATING_FOR = 60_000;
const LISTED_AS_TERMINATED_FOR = 30_000;
const LISTED_AS_PREEMPTED_FOR = 600_000;
/** A file system stays in use for so long after its last instance is gone. */
const FILE_SYSTEM_LINGERS = 30_000;

/** How long a restart takes, milliseconds of virtual time. */
export const RESTART_TAKES = 60_000;

const has = (moment: number | undefined, now: number): boolean => moment !== undefined && now >= moment;

/** The status at a moment; undefined when the API no longer knows the instance. */
export function statusAt(record: InstanceRecord, now: number): InstanceStatus | undefined {
  const { preemptedAt = Infinity, terminatedAt = Infinity } = record;
  if (has(record.vanishedAt, now)) return undefined;
  if (now >= terminatedAt) {
    if (now < terminatedAt + TERMINATING_FOR) return "terminating";
    return now < terminatedAt + TERMINATING_FOR + LISTED_AS_TERMINATED_FOR ? "terminated" : undefined;
  }
  if (now >= preemptedAt) return now < preemptedAt + LISTED_AS_PREEMPTED_FOR ? "preempted" : undefined;
  if (record.stuck || now < record.activeAt || now < (record.restartedUntil ?? 0)) return "booting";
  return now < record.healthyAt ? "unhealthy" : "active";
}

/** Until when the machine exists, uses capacity, and holds what is attached to it. */
function heldUntil({ preemptedAt, terminatedAt, vanishedAt }: InstanceRecord): number {
  const end = terminatedAt === undefined ? Infinity : terminatedAt + TERMINATING_FOR;
  return Math.min(end, preemptedAt ?? Infinity, vanishedAt ?? Infinity);
}

export const isHeld = (record: InstanceRecord, now: number): boolean => now < heldUntil(record);

/** Whether its file systems still say that they are in use. */
export const holdsFileSystems = (record: InstanceRecord, now: number): boolean =>
  now < heldUntil(record) + FILE_SYSTEM_LINGERS;

/** Whether nothing depends on it any more. */
export const isForgotten = (record: InstanceRecord, now: number): boolean =>
  statusAt(record, now) === undefined && !holdsFileSystems(record, now);

/** The next moment at which one of the functions of this file gives something else; Infinity when never. */
export function nextChange(record: InstanceRecord, now: number): number {
  const { launchedAt, activeAt, healthyAt, preemptedAt, terminatedAt = Infinity } = record;
  const moments = [
    launchedAt + IP_AFTER,
    activeAt,
    healthyAt,
    record.restartedUntil ?? 0,
    preemptedAt ?? Infinity,
    (preemptedAt ?? Infinity) + LISTED_AS_PREEMPTED_FOR,
    terminatedAt + TERMINATING_FOR,
    terminatedAt + TERMINATING_FOR + LISTED_AS_TERMINATED_FOR,
    record.vanishedAt ?? Infinity,
    heldUntil(record) + FILE_SYSTEM_LINGERS,
  ];
  return Math.min(...moments.filter((moment) => moment > now));
}

export function ipAt(record: InstanceRecord, now: number): string | undefined {
  return record.withoutIp || now < record.launchedAt + IP_AFTER ? undefined : record.ip;
}

/** Seconds that are billed: from the first time it was healthy until its end. */
export function billedSeconds(record: InstanceRecord, now: number): number {
  if (record.stuck) return 0;
  const { preemptedAt = Infinity, terminatedAt = Infinity, vanishedAt = Infinity } = record;
  const until = Math.min(now, terminatedAt, preemptedAt, vanishedAt);
  return Math.max(0, Math.round((until - record.healthyAt) / 1000));
}

/** What {@link billedSeconds} cost, US dollars. */
export function billedUsd(record: InstanceRecord, now: number): number {
  const cents = instanceTypes[record.type]?.price_cents_per_hour ?? 0;
  return ((billedSeconds(record, now) / 3600) * cents) / 100;
}

const ACTIONS = ["migrate", "rebuild", "restart", "cold_reboot", "terminate"];

/** Why nothing can be done with it now; undefined when everything can. */
function obstacle(record: InstanceRecord, status: InstanceStatus, now: number): [string, string] | undefined {
  if (status === "terminating" || status === "terminated")
    return ["vm-is-terminating", "The instance is being terminated."];
  if (now < (record.restartedUntil ?? 0)) return ["vm-action-in-progress", "Another action is in progress."];
  return status === "booting" ? ["vm-has-not-launched", "The instance has not launched yet."] : undefined;
}

function actions(record: InstanceRecord, status: InstanceStatus, now: number): Instance["actions"] {
  const [reason_code, reason_description] = obstacle(record, status, now) ?? [];
  const action =
    reason_code === undefined ? { available: true } : { available: false, reason_code, reason_description };
  return Object.fromEntries(ACTIONS.map((name) => [name, action]));
}

/** The instance as the API shows it; undefined when it no longer knows it. */
export function render(
  record: InstanceRecord,
  now: number,
  fileSystemNames: readonly string[],
): Instance | undefined {
  const status = statusAt(record, now);
  const instance_type = instanceTypes[record.type];
  const region = regions[record.region];
  if (status === undefined || instance_type === undefined || region === undefined) return undefined;
  const ip = ipAt(record, now);
  const token = record.id.slice(0, 16);
  const running = !record.stuck && now >= record.activeAt;
  // What is not there yet is left out, as the API does; JSON leaves out what is undefined.
  return {
    id: record.id,
    name: record.name,
    ip,
    private_ip: running && !record.withoutPrivateIp ? record.privateIp : undefined,
    status,
    ssh_key_names: [record.sshKeyName],
    file_system_names: [...fileSystemNames],
    file_system_mounts: record.mounts.length === 0 ? undefined : record.mounts,
    region,
    instance_type,
    hostname: running ? record.hostname : undefined,
    jupyter_token: running ? token : undefined,
    jupyter_url: running ? `https://jupyter.example/?token=${token}` : undefined,
    actions: actions(record, status, now),
    tags: record.tags,
    firewall_rulesets: record.rulesetIds.map((id) => ({ id })),
  };
}
