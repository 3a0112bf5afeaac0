import { z } from "zod";
import * as schemas from "../../../components/lambda-cloud/schemas";
import { ApiFailure, conflict, invalid, missingAtLaunch, noCapacity, quotaExceeded } from "../apiFailure";
import { architectureOfType, bootSeconds, images, instanceTypes } from "../catalogue";
import { checkRegion, newId, QUOTAS, type Cloud } from "../cloud";
import type { Fault } from "../faults";
import { RESTART_TAKES, statusAt } from "../instanceLife";
import type { InstanceRecord } from "../state";
import type { Call, Route } from "./route";

/** `quantity` is no longer documented, but 1 is accepted and more is refused with words of its own. */
const launchSchema = schemas.launchRequestSchema.extend({
  quantity: z.int().min(1).default(1),
});

type LaunchRequest = schemas.LaunchRequest;

/** Instances: list, get, rename, launch, restart, terminate. */
export const instanceRoutes: readonly Route[] = [
  { method: "GET", path: "/instances", handle: ({ cloud }) => list(cloud) },
  {
    method: "GET",
    path: "/instances/{id}",
    handle: ({ cloud, id }) => cloud.showInstance(cloud.instance(id)),
  },
  { method: "POST", path: "/instances/{id}", handle: rename },
  { method: "POST", path: "/instance-operations/launch", handle: launch },
  { method: "POST", path: "/instance-operations/restart", handle: restart },
  { method: "POST", path: "/instance-operations/terminate", handle: terminate },
];

function list(cloud: Cloud): schemas.Instance[] {
  const now = cloud.now();
  return cloud.state.instances
    .filter((record) => now >= record.listedAt && statusAt(record, now) !== undefined)
    .map((record) => cloud.showInstance(record));
}

function rename({ cloud, id, body }: Call): schemas.Instance {
  const record = cloud.instance(id);
  record.name = body(schemas.renameRequestSchema).name;
  return cloud.showInstance(record);
}

function restart({ cloud, body }: Call): object {
  const records = body(schemas.terminateRequestSchema).instance_ids.map((id) => cloud.instance(id));
  const now = cloud.now();
  if (records.some((record) => !["active", "unhealthy"].includes(statusAt(record, now) ?? "")))
    throw conflict();
  for (const record of records) record.restartedUntil = now + RESTART_TAKES;
  return { restarted_instances: records.map((record) => cloud.showInstance(record)) };
}

function terminate({ cloud, body }: Call): object {
  const records = body(schemas.terminateRequestSchema).instance_ids.map((id) => cloud.instance(id));
  for (const record of records) cloud.terminate(record);
  return { terminated_instances: records.map((record) => cloud.showInstance(record)) };
}

function launch({ cloud, body, fault }: Call): object {
  const { quantity, ...request } = body(launchSchema);
  if (quantity > 1) throw invalid("Requested too many instances.");
  checkRegion(request.region_name);
  const type = instanceTypes[request.instance_type_name];
  if (type === undefined)
    throw missingAtLaunch(`Instance type '${request.instance_type_name}' does not exist.`);
  const key = cloud.state.sshKeys.find(({ name }) => name === request.ssh_key_names[0]);
  if (key === undefined)
    throw missingAtLaunch(`SSH key with name '${request.ssh_key_names[0] ?? ""}' does not exist.`);
  checkImage(request);
  checkRulesets(cloud, request);
  const mounts = mountsOf(cloud, request);
  if (cloud.heldInstances().length >= QUOTAS.instances) throw quotaExceeded();
  if (cloud.capacity(type.name, request.region_name) < 1) throw noCapacity();

  const record: InstanceRecord = {
    ...newRecord(cloud, request, bootSeconds(type.specs.gpus) * 1000, fault),
    sshKeyName: key.name,
    sshPublicKeys: [key.public_key],
    mounts,
  };
  cloud.state.instances.push(record);
  const { id, name, region } = record;
  cloud.audit({ event: "launch", id, name, type: type.name, region });
  return { instance_ids: [id] };
}

function newRecord(
  cloud: Cloud,
  request: LaunchRequest,
  bootMs: number,
  fault: Fault | undefined,
): Omit<InstanceRecord, "sshKeyName" | "sshPublicKeys" | "mounts"> {
  const now = cloud.now();
  /** How long after the launch a fault of that kind strikes, or lasts. */
  const after = (kind: Fault["kind"]): number | undefined =>
    fault?.kind === kind && "seconds" in fault ? now + fault.seconds * 1000 : undefined;
  const activeAt = now + bootMs;
  const unhealthyFor = (after("unhealthy-boot") ?? now) - now;
  const { ip, privateIp } = cloud.takeAddress();
  return {
    id: newId(),
    name: request.name,
    type: request.instance_type_name,
    region: request.region_name,
    ip,
    privateIp,
    rulesetIds: (request.firewall_rulesets ?? []).map(({ id }) => id),
    hostname: request.hostname ?? ip.replaceAll(".", "-"),
    userData: request.user_data,
    tags: request.tags ?? [],
    launchedAt: now,
    activeAt,
    healthyAt: activeAt + unhealthyFor,
    listedAt: after("list-lag") ?? now,
    preemptedAt: after("preempt"),
    vanishedAt: after("vanish"),
    stuck: fault?.kind === "stuck-boot",
    withoutIp: fault?.kind === "without-ip",
    withoutPrivateIp: fault?.kind === "without-private-ip",
    reported: "",
  };
}

/** The same file system by name and by id is mounted once, where the request says. */
function mountsOf(
  { state }: Cloud,
  { file_system_names = [], file_system_mounts = [], region_name }: LaunchRequest,
): InstanceRecord["mounts"] {
  const byName = file_system_names.map((name) => {
    const fs = state.fileSystems.find((known) => known.name === name && known.region === region_name);
    if (fs !== undefined) return { mount_point: `/lambda/nfs/${name}`, file_system_id: fs.id };
    throw missingAtLaunch(
      `Filesystem with name '${name}' does not exist in region '${region_name}', or you do not have permission to access it.`,
    );
  });
  for (const { file_system_id } of file_system_mounts) {
    const fs = state.fileSystems.find(({ id }) => id === file_system_id);
    if (fs === undefined) throw missingAtLaunch("Filesystem was not found.");
    if (fs.region !== region_name) {
      throw new ApiFailure(
        400,
        "instance-operations/launch/file-system-in-wrong-region",
        `Filesystem '${fs.name}' is not in region '${region_name}'.`,
        "Choose a filesystem in the region of the instance.",
      );
    }
  }
  const explicit = new Set(file_system_mounts.map(({ file_system_id }) => file_system_id));
  return [...file_system_mounts, ...byName.filter(({ file_system_id }) => !explicit.has(file_system_id))];
}

/** An image's id is good for one region only, and not every family is there for every processor. */
function checkImage({ image, region_name, instance_type_name }: LaunchRequest): void {
  if (image === undefined) return;
  const architecture = architectureOfType(instance_type_name);
  const known = images.some(
    (candidate) =>
      candidate.region.name === region_name &&
      candidate.architecture === architecture &&
      ("family" in image ? candidate.family === image.family : candidate.id === image.id),
  );
  if (!known) throw missingAtLaunch("Image does not exist.");
}

function checkRulesets({ state }: Cloud, { firewall_rulesets = [], region_name }: LaunchRequest): void {
  for (const { id } of firewall_rulesets) {
    const ruleset = state.rulesets.find((known) => known.id === id);
    if (ruleset === undefined) throw missingAtLaunch(`Firewall ruleset '${id}' does not exist.`);
    if (ruleset.region !== region_name)
      throw invalid(`Firewall ruleset '${ruleset.name}' is not in region '${region_name}'.`);
  }
}
