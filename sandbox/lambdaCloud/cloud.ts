import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { utils as ssh } from "ssh2";
import type { z } from "zod";
import type * as schemas from "../../components/lambda-cloud/schemas";
import { ApiFailure, duplicate, invalid, missing, noCapacity, quotaExceeded } from "./apiFailure";
import { bootSeconds, imageFamilies, instanceTypes, regions } from "./catalogue";
import type { VirtualClock } from "./clock";
import type { Fault } from "./faults";
import { isHeld, render, statusAt } from "./instanceLife";
import type { CloudState, FirewallRuleRecord, InstanceRecord } from "./state";

/** How much of everything the account may have. */
export const QUOTAS = { instances: 50, fileSystems: 24, rulesets: 50 };

/** A file system stays in use for so long after its last instance is gone, milliseconds of virtual time. */
const FILE_SYSTEM_LINGERS = 30_000;

export interface CloudOptions {
  readonly state: CloudState;
  readonly clock: VirtualClock;
  /** Public addresses that instances get, in turn. */
  readonly addressPool: readonly string[];
  /** Told of launches and terminations. */
  readonly audit: (event: Record<string, unknown>) => void;
}

type LaunchRequest = z.infer<typeof schemas.launchRequestSchema>;
type RuleRequest = z.infer<typeof schemas.firewallRuleRequestSchema>;

const newId = (): string => randomBytes(16).toString("hex");
const createdNow = (): string => new Date().toISOString();

/** The simulated account: what the API does, without HTTP. Refuses with {@link ApiFailure}. */
export class Cloud {
  constructor(private readonly options: CloudOptions) {}

  get state(): CloudState {
    return this.options.state;
  }

  now(): number {
    return this.options.clock.now();
  }

  /** Every instance that the API still knows, as it shows it. */
  listInstances(): schemas.Instance[] {
    return this.state.instances
      .filter(({ listedAt }) => this.now() >= listedAt)
      .flatMap((record) => this.renderInstance(record) ?? []);
  }

  getInstance(id: string): schemas.Instance {
    const instance = this.renderInstance(this.record(id));
    if (instance === undefined) throw missing();
    return instance;
  }

  renameInstance(id: string, name: string): schemas.Instance {
    const record = this.record(id);
    record.name = name;
    return this.getInstance(record.id);
  }

  /** @param fault What happens to the new instance. @default - nothing */
  launch(request: LaunchRequest, fault?: Fault): { instance_ids: string[] } {
    const type = instanceTypes[request.instance_type_name];
    if (regions[request.region_name] === undefined) throw invalid(`Invalid region: ${request.region_name}`);
    if (type === undefined) throw missing(`Instance type ${request.instance_type_name} does not exist.`, 404);
    const [keyName = ""] = request.ssh_key_names;
    const key = this.state.sshKeys.find(({ name }) => name === keyName);
    if (key === undefined) throw missing(`SSH key with name '${keyName}' does not exist.`, 400);
    const mounts = this.mountsOf(request);
    this.checkImage(request.image);
    for (const { id } of request.firewall_rulesets ?? []) this.checkRuleset(id, request.region_name);
    if (this.state.instances.filter((i) => isHeld(i, this.now())).length >= QUOTAS.instances)
      throw quotaExceeded();
    if (fault?.kind === "no-capacity" || this.capacity(type.name, request.region_name) < 1)
      throw noCapacity();

    const record = this.newRecord(request, type.specs.gpus, fault, mounts);
    record.sshPublicKeys.push(key.public_key);
    this.state.instances.push(record);
    this.options.audit({
      event: "launch",
      id: record.id,
      name: record.name,
      type: record.type,
      region: record.region,
    });
    return { instance_ids: [record.id] };
  }

  terminate(ids: readonly string[]): { terminated_instances: schemas.Instance[] } {
    const records = ids.map((id) => this.record(id));
    for (const record of records) {
      if (record.terminatedAt !== undefined) continue;
      record.terminatedAt = this.now();
      this.options.audit({ event: "terminate", id: record.id, name: record.name });
    }
    return { terminated_instances: records.map(({ id }) => this.getInstance(id)) };
  }

  restart(ids: readonly string[]): { restarted_instances: schemas.Instance[] } {
    return { restarted_instances: ids.map((id) => this.getInstance(id)) };
  }

  listInstanceTypes(): schemas.InstanceTypes {
    return Object.fromEntries(
      Object.entries(instanceTypes).map(([name, instance_type]) => [
        name,
        {
          instance_type,
          regions_with_capacity_available: Object.values(regions).filter(
            (region) => this.capacity(name, region.name) > 0,
          ),
        },
      ]),
    );
  }

  listImages(): schemas.Image[] {
    return imageFamilies.flatMap((family) =>
      Object.values(regions).map((region) => ({
        id: uuidOf(`${family}/${region.name}`),
        created_time: "2026-01-01T00:00:00.000Z",
        updated_time: "2026-01-01T00:00:00.000Z",
        name: family,
        description: family,
        family,
        version: "24.4.4-2141",
        architecture: "x86_64" as const,
        region,
      })),
    );
  }

  addSshKey({
    name,
    public_key,
  }: z.infer<typeof schemas.addSshKeyRequestSchema>): schemas.SshKey & { private_key?: string } {
    if (this.state.sshKeys.some((key) => key.name === name))
      throw invalid(`SSH key with name '${name}' already exists.`);
    const generated = public_key === undefined ? ssh.generateKeyPairSync("rsa", { bits: 2048 }) : undefined;
    const key = { id: newId(), name, public_key: public_key ?? generated?.public ?? "" };
    this.state.sshKeys.push(key);
    return { ...key, ...(generated === undefined ? {} : { private_key: generated.private }) };
  }

  deleteSshKey(id: string): object {
    this.remove(this.state.sshKeys, id, () => missing("SSH key does not exist."));
    return {};
  }

  listFileSystems(): schemas.FileSystem[] {
    return this.state.fileSystems.map((fs) => this.renderFileSystem(fs));
  }

  createFileSystem({ name, region }: { name: string; region: string }): schemas.FileSystem {
    if (regions[region] === undefined) throw invalid(`Invalid region: ${region}`);
    if (this.state.fileSystems.some((fs) => fs.name === name))
      throw duplicate(`Filesystem with name '${name}' already exists.`);
    if (this.state.fileSystems.length >= QUOTAS.fileSystems) throw quotaExceeded();
    const record = { id: newId(), name, region, created: createdNow(), busyUntil: 0 };
    this.state.fileSystems.push(record);
    return this.renderFileSystem(record);
  }

  deleteFileSystem(id: string): object {
    const record = this.state.fileSystems.find((fs) => fs.id === id);
    if (record !== undefined && this.fileSystemInUse(record)) {
      throw new ApiFailure(400, "filesystems/filesystem-in-use", "Filesystem is in use.");
    }
    this.remove(this.state.fileSystems, id, () => missing("Filesystem was not found."));
    return { deleted_ids: [id] };
  }

  listRulesets(): schemas.FirewallRuleset[] {
    return this.state.rulesets.map((ruleset) => this.renderRuleset(ruleset));
  }

  getRuleset(id: string): schemas.FirewallRuleset {
    return this.renderRuleset(this.ruleset(id));
  }

  createRuleset(request: {
    name: string;
    region: string;
    rules: readonly RuleRequest[];
  }): schemas.FirewallRuleset {
    if (regions[request.region] === undefined) throw invalid(`Invalid region: ${request.region}`);
    if (this.state.rulesets.length >= QUOTAS.rulesets) throw quotaExceeded();
    const record = {
      id: newId(),
      name: request.name,
      region: request.region,
      created: createdNow(),
      rules: request.rules.map(normalRule),
    };
    this.state.rulesets.push(record);
    return this.renderRuleset(record);
  }

  updateRuleset(
    id: string,
    { name, rules }: { name?: string | undefined; rules?: readonly RuleRequest[] | undefined },
  ): schemas.FirewallRuleset {
    const record = this.ruleset(id);
    if (name !== undefined) record.name = name;
    if (rules !== undefined) record.rules = rules.map(normalRule);
    return this.renderRuleset(record);
  }

  deleteRuleset(id: string): object {
    const record = this.ruleset(id);
    if (this.usersOf(record.id).length > 0) {
      throw new ApiFailure(
        400,
        "firewall-rulesets/firewall-ruleset-in-use",
        "Firewall ruleset is in use by one or more instances.",
        "Terminate all instances that are using the ruleset before deleting it.",
      );
    }
    this.remove(this.state.rulesets, id, () => missing());
    return {};
  }

  globalRuleset(): object {
    return { id: "global", name: "Default Workspace Global Rules", rules: this.state.globalRules };
  }

  setGlobalRules(rules: readonly RuleRequest[]): void {
    this.state.globalRules = rules.map(normalRule);
  }

  /** Room for more instances of a type in a region. */
  capacity(type: string, region: string): number {
    const held = this.state.instances.filter(
      (i) => i.type === type && i.region === region && isHeld(i, this.now()),
    );
    return (this.state.capacity[type]?.[region] ?? 0) - held.length;
  }

  private record(id: string): InstanceRecord {
    const wanted = id.replaceAll("-", "");
    const record = this.state.instances.find((i) => i.id === wanted);
    if (record === undefined || statusAt(record, this.now()) === undefined) throw missing();
    return record;
  }

  private ruleset(id: string): CloudState["rulesets"][number] {
    const record = this.state.rulesets.find((ruleset) => ruleset.id === id);
    if (record !== undefined) return record;
    throw new ApiFailure(
      404,
      "global/object-does-not-exist",
      "Firewall ruleset does not exist or you do not have permission to access it.",
      "Check your firewall ruleset ID and try again.",
    );
  }

  private renderInstance(record: InstanceRecord): schemas.Instance | undefined {
    const names = record.mounts.map(
      ({ file_system_id }) => this.state.fileSystems.find(({ id }) => id === file_system_id)?.name ?? "",
    );
    return render(record, this.now(), names);
  }

  private newRecord(
    request: LaunchRequest,
    gpus: number,
    fault: Fault | undefined,
    mounts: InstanceRecord["mounts"],
  ): InstanceRecord {
    const now = this.now();
    const activeAt = now + bootSeconds(gpus) * 1000;
    const { addressPool } = this.options;
    const ip = this.freeAddress();
    return {
      id: newId(),
      name: request.name,
      type: request.instance_type_name,
      region: request.region_name,
      ip,
      privateIp: `10.19.${Math.floor(addressPool.indexOf(ip) / 256)}.${(addressPool.indexOf(ip) % 254) + 1}`,
      sshKeyName: request.ssh_key_names[0] ?? "",
      sshPublicKeys: [],
      mounts,
      rulesetIds: (request.firewall_rulesets ?? []).map(({ id }) => id),
      hostname: request.hostname ?? ip.replaceAll(".", "-"),
      userData: request.user_data,
      tags: request.tags ?? [],
      launchedAt: now,
      activeAt,
      healthyAt: activeAt + (fault?.kind === "unhealthy-boot" ? fault.seconds * 1000 : 0),
      listedAt: now + (fault?.kind === "list-lag" ? fault.seconds * 1000 : 0),
      preemptedAt: fault?.kind === "preempt" ? now + fault.seconds * 1000 : undefined,
      terminatedAt: undefined,
      stuck: fault?.kind === "stuck-boot",
      withoutIp: fault?.kind === "without-ip",
    };
  }

  /** The next address that no instance has; addresses are reused as late as possible. */
  private freeAddress(): string {
    const { addressPool } = this.options;
    const taken = new Set(this.state.instances.filter((i) => isHeld(i, this.now())).map(({ ip }) => ip));
    for (let tries = 0; tries < addressPool.length; tries++) {
      const ip = addressPool[this.state.nextAddress++ % addressPool.length];
      if (ip !== undefined && !taken.has(ip)) return ip;
    }
    throw quotaExceeded();
  }

  private mountsOf({
    file_system_names = [],
    file_system_mounts = [],
    region_name,
  }: LaunchRequest): InstanceRecord["mounts"] {
    const byName = file_system_names.map((name) => {
      const fs = this.state.fileSystems.find((known) => known.name === name && known.region === region_name);
      if (fs !== undefined) return { mount_point: `/lambda/nfs/${name}`, file_system_id: fs.id };
      throw missing(
        `Filesystem with name '${name}' does not exist in region '${region_name}', or you do not have permission to access it.`,
        400,
      );
    });
    for (const { file_system_id } of file_system_mounts) {
      const fs = this.state.fileSystems.find(({ id }) => id === file_system_id);
      if (fs === undefined) throw missing("Filesystem was not found.", 400);
      if (fs.region !== region_name) {
        throw new ApiFailure(
          400,
          "instance-operations/launch/file-system-in-wrong-region",
          "The filesystem is in another region.",
        );
      }
    }
    const explicit = new Set(file_system_mounts.map(({ file_system_id }) => file_system_id));
    return [...file_system_mounts, ...byName.filter(({ file_system_id }) => !explicit.has(file_system_id))];
  }

  private checkImage(image: LaunchRequest["image"]): void {
    if (image === undefined) return;
    const known =
      "family" in image
        ? imageFamilies.some((f) => f === image.family)
        : this.listImages().some(({ id }) => id === image.id);
    if (!known) throw missing("Image does not exist.", 400);
  }

  private checkRuleset(id: string, region: string): void {
    if (this.ruleset(id).region !== region) throw invalid("The firewall ruleset is in another region.");
  }

  private usersOf(rulesetId: string): string[] {
    return this.state.instances
      .filter((i) => isHeld(i, this.now()) && i.rulesetIds.includes(rulesetId))
      .map(({ id }) => id);
  }

  private renderRuleset(record: CloudState["rulesets"][number]): schemas.FirewallRuleset {
    const region = regions[record.region] ?? { name: record.region, description: "" };
    return { ...record, region, instance_ids: this.usersOf(record.id) };
  }

  private fileSystemInUse({ id }: { id: string }): boolean {
    return this.state.instances.some((i) => {
      if (!i.mounts.some(({ file_system_id }) => file_system_id === id)) return false;
      return isHeld(i, this.now()) || isHeld(i, this.now() - FILE_SYSTEM_LINGERS);
    });
  }

  private renderFileSystem(record: CloudState["fileSystems"][number]): schemas.FileSystem {
    const { id, name, region, created } = record;
    return {
      id,
      name,
      created,
      created_by: { id: newId(), email: "operator@example.com", status: "active" },
      mount_point: `/lambda/nfs/${name}`,
      is_in_use: this.fileSystemInUse(record),
      region: regions[region] ?? { name: region, description: "" },
      bytes_used: 0,
    };
  }

  private remove<T extends { readonly id: string }>(list: T[], id: string, absent: () => ApiFailure): void {
    const index = list.findIndex((item) => item.id === id);
    if (index < 0) throw absent();
    list.splice(index, 1);
  }
}

/** A rule as the API keeps it: a bare address is a network of one. */
function normalRule({ protocol, port_range, source_network, description }: RuleRequest): FirewallRuleRecord {
  const network = source_network.includes("/") ? source_network : `${source_network}/32`;
  if ((protocol === "icmp") !== (port_range === undefined))
    throw invalid("port_range is required, except for icmp, where it is forbidden.");
  return {
    protocol,
    source_network: network,
    description,
    ...(port_range === undefined ? {} : { port_range }),
  };
}

function uuidOf(text: string): string {
  const hex = Buffer.from(text).toString("hex").padEnd(32, "0").slice(-32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
