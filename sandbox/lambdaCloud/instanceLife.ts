/** An instance's life as a function of time: nothing is stored but the moments at which it changes. */
import type { Instance, InstanceStatus } from "../../components/lambda-cloud/schemas";
import { instanceTypes, regions } from "./catalogue";
import type { InstanceRecord } from "./state";

/** Milliseconds of virtual time. */
const IP_AFTER = 25_000;
const TERMINATING_FOR = 60_000;
const LISTED_AS_TERMINATED_FOR = 30_000;

/** The status at a moment; undefined when the API no longer knows the instance. */
export function statusAt(record: InstanceRecord, now: number): InstanceStatus | undefined {
  const end = record.terminatedAt;
  if (end !== undefined && now >= end) {
    if (now < end + TERMINATING_FOR) return "terminating";
    return now < end + TERMINATING_FOR + LISTED_AS_TERMINATED_FOR ? "terminated" : undefined;
  }
  if (record.preemptedAt !== undefined && now >= record.preemptedAt) return "preempted";
  if (record.stuck || now < record.activeAt) return "booting";
  return now < record.healthyAt ? "unhealthy" : "active";
}

/** Whether the machine exists, uses capacity, and holds what is attached to it. */
export function isHeld(record: InstanceRecord, now: number): boolean {
  const status = statusAt(record, now);
  return status !== undefined && status !== "terminated" && status !== "preempted";
}

export function ipAt(record: InstanceRecord, now: number): string | undefined {
  return record.withoutIp || now < record.launchedAt + IP_AFTER ? undefined : record.ip;
}

/** Seconds that are billed: from the first time it was active until its termination. */
export function billedSeconds(record: InstanceRecord, now: number): number {
  if (record.stuck) return 0;
  const until = Math.min(now, record.terminatedAt ?? Infinity, record.preemptedAt ?? Infinity);
  return Math.max(0, Math.round((until - record.activeAt) / 1000));
}

const ACTIONS = ["migrate", "rebuild", "restart", "cold_reboot", "terminate"];

function actions(status: InstanceStatus): Instance["actions"] {
  const reason: Partial<Record<InstanceStatus, { reason_code: string; reason_description: string }>> = {
    booting: { reason_code: "vm-has-not-launched", reason_description: "The instance has not launched yet." },
    terminating: {
      reason_code: "vm-is-terminating",
      reason_description: "The instance is being terminated.",
    },
  };
  const why = reason[status];
  return Object.fromEntries(
    ACTIONS.map((name) => [name, why === undefined ? { available: true } : { available: false, ...why }]),
  );
}

/** The instance as the API shows it; undefined when it no longer knows it. */
export function render(
  record: InstanceRecord,
  now: number,
  fileSystemNames: readonly string[],
): Instance | undefined {
  const status = statusAt(record, now);
  const type = instanceTypes[record.type];
  const region = regions[record.region];
  if (status === undefined || type === undefined || region === undefined) return undefined;
  const ip = ipAt(record, now);
  const booting = status === "booting";
  return {
    id: record.id,
    ...(record.name === undefined ? {} : { name: record.name }),
    ...(ip === undefined ? {} : { ip }),
    ...(booting ? {} : { private_ip: record.privateIp }),
    status,
    ssh_key_names: [record.sshKeyName],
    file_system_names: [...fileSystemNames],
    ...(record.mounts.length === 0 ? {} : { file_system_mounts: record.mounts }),
    region,
    instance_type: type,
    ...(booting
      ? {}
      : {
          hostname: record.hostname,
          jupyter_token: record.id.slice(0, 16),
          jupyter_url: `https://jupyter.example/?token=${record.id.slice(0, 16)}`,
        }),
    actions: actions(status),
    tags: record.tags,
    firewall_rulesets: record.rulesetIds.map((id) => ({ id })),
  };
}
