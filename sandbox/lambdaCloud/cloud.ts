import { randomBytes } from "node:crypto";
import type { FileSystem, FirewallRuleset, Instance } from "../../components/lambda-cloud/schemas";
import { invalid, missing, quotaExceeded } from "./apiFailure";
import { regions } from "./catalogue";
import type { VirtualClock } from "./clock";
import { billedSeconds, billedUsd, holdsFileSystems, isHeld, render, statusAt } from "./instanceLife";
import type { CloudState, InstanceRecord } from "./state";

/** How much of everything the account may have. */
export const QUOTAS = { instances: 50, fileSystems: 24, rulesets: 50 };

type FileSystemRecord = CloudState["fileSystems"][number];
type RulesetRecord = CloudState["rulesets"][number];

/** What happened, for the audit log. */
export type AuditEvent = Readonly<Record<string, string | number | undefined>>;

/** What a {@link Cloud} is made of. */
export interface CloudOptions {
  readonly state: CloudState;
  readonly clock: VirtualClock;
  /** Public addresses that instances get, in turn. */
  readonly addressPool: readonly string[];
  /** Told of launches, changes of status and terminations. */
  readonly audit: (event: AuditEvent) => void;
}

/** Ids of everything but images: 32 hexadecimal digits. */
export const newId = (): string => randomBytes(16).toString("hex");

/** Takes one out of a list. */
export function removeFrom(list: unknown[], item: unknown): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

/** The region of a request. @throws ApiFailure if there is none of that name */
export function checkRegion(name: string): void {
  if (regions[name] === undefined) throw invalid(`Invalid region: ${name}`);
}

const regionOf = (name: string): Instance["region"] => regions[name] ?? { name, description: "" };

/** The simulated account without HTTP: what is there, and how the API shows it. What can be done with it is in routes/. */
export class Cloud {
  readonly state: CloudState;
  readonly clock: VirtualClock;
  readonly audit: (event: AuditEvent) => void;
  readonly #addressPool: readonly string[];

  constructor({ state, clock, addressPool, audit }: CloudOptions) {
    this.state = state;
    this.clock = clock;
    this.audit = audit;
    this.#addressPool = addressPool;
  }

  now(): number {
    return this.clock.now();
  }

  /** @throws ApiFailure if the API doesn't know it (any more) */
  instance(id: string): InstanceRecord {
    const record = this.state.instances.find((known) => known.id === id);
    if (record === undefined || statusAt(record, this.now()) === undefined) throw missing();
    return record;
  }

  /** @throws ApiFailure if the API doesn't know it any more */
  showInstance(record: InstanceRecord): Instance {
    const names = record.mounts.map(
      ({ file_system_id }) => this.state.fileSystems.find(({ id }) => id === file_system_id)?.name ?? "",
    );
    const instance = render(record, this.now(), names);
    if (instance === undefined) throw missing();
    return instance;
  }

  /** Ends an instance, as a request or an operator behind the API wants it. A second time changes nothing. */
  terminate(record: InstanceRecord): void {
    if (record.terminatedAt !== undefined) return;
    const now = this.now();
    record.terminatedAt = now;
    this.audit({ event: "terminate", id: record.id, name: record.name, ...this.bill(record) });
  }

  /** What an instance cost so far. */
  bill(record: InstanceRecord): { billedSeconds: number; usd: number } {
    const now = this.now();
    return {
      billedSeconds: billedSeconds(record, now),
      usd: Math.round(billedUsd(record, now) * 100) / 100,
    };
  }

  /** Instances that exist as machines. */
  heldInstances(): InstanceRecord[] {
    return this.state.instances.filter((record) => isHeld(record, this.now()));
  }

  /** Room for more instances of a type in a region. */
  capacity(type: string, region: string): number {
    const held = this.heldInstances().filter((i) => i.type === type && i.region === region).length;
    return Math.max(0, (this.state.capacity[type]?.[region] ?? 0) - held);
  }

  /**
   * The next address that no instance has, with a private one; addresses are reused as late as possible.
   *
   * @throws ApiFailure if there is none
   */
  takeAddress(): { ip: string; privateIp: string } {
    const taken = new Set(this.heldInstances().map(({ ip }) => ip));
    for (let tries = 0; tries < this.#addressPool.length; tries++) {
      const index = this.state.nextAddress++ % this.#addressPool.length;
      const ip = this.#addressPool[index];
      if (ip !== undefined && !taken.has(ip))
        return { ip, privateIp: `10.19.${Math.floor(index / 254)}.${(index % 254) + 1}` };
    }
    throw quotaExceeded();
  }

  fileSystemInUse({ id }: FileSystemRecord): boolean {
    return this.state.instances.some(
      (i) => i.mounts.some((mount) => mount.file_system_id === id) && holdsFileSystems(i, this.now()),
    );
  }

  showFileSystem(record: FileSystemRecord): FileSystem {
    const { id, name, region, created } = record;
    return {
      id,
      name,
      created,
      created_by: { id: "5e1f".repeat(8), email: "operator@example.com", status: "active" },
      mount_point: `/lambda/nfs/${name}`,
      is_in_use: this.fileSystemInUse(record),
      region: regionOf(region),
      bytes_used: 0,
    };
  }

  /** @throws ApiFailure if there is none */
  ruleset(id: string): RulesetRecord {
    const record = this.state.rulesets.find((ruleset) => ruleset.id === id);
    if (record !== undefined) return record;
    throw missing(
      "Firewall ruleset does not exist or you do not have permission to access it.",
      "Check your firewall ruleset ID and try again.",
    );
  }

  showRuleset(record: RulesetRecord): FirewallRuleset {
    const users = this.heldInstances().filter(({ rulesetIds }) => rulesetIds.includes(record.id));
    return { ...record, region: regionOf(record.region), instance_ids: users.map(({ id }) => id) };
  }
}
