import { isDeepStrictEqual } from "node:util";
import type { LambdaCloudClient } from "./client";
import {
  InitializationFailure,
  isUnknown,
  type CheckFailure,
  type DiffResult,
  type Handlers,
} from "./handlers";
import { isListed, launchOnce, type LaunchSpec, type Placement } from "./launch";
import { systemClock, type Clock } from "./limiter";
import { canonicalJson } from "./naming";
import { HOSTNAME, launchRequestSchema, TAG_KEY, type Instance } from "./schemas";
import type { LambdaSettings } from "./settings";

export interface InstanceInputs {
  readonly name: string;
  readonly placements: readonly Placement[];
  readonly sshKeyName: string;
  readonly image?: { readonly family: string } | { readonly id: string };
  readonly hostname?: string;
  readonly userData?: string;
  readonly fileSystemNames?: readonly string[];
  readonly firewallRulesetIds?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly adoptInstanceId?: string;
  readonly replacement?: "create-first" | "delete-first";
  /** The engine's own; kept with the properties of an instance that is not ready. */
  readonly __provider?: unknown;
}

export interface InstanceOutputs extends InstanceInputs {
  readonly instanceType: string;
  readonly region: string;
  /** Absent only while the instance is not ready. */
  readonly ip?: string;
  readonly privateIp?: string;
  readonly hourlyPriceUsd: number;
  readonly gpus: number;
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly architecture: "amd64" | "arm64";
  /** Of these outputs; a later version must still read what this one wrote. */
  readonly schemaVersion: 1;
}

export interface InstanceContext {
  readonly client: Pick<
    LambdaCloudClient,
    "listInstances" | "listInstanceTypes" | "getInstance" | "launch" | "terminate" | "renameInstance"
  >;
  readonly settings: Pick<LambdaSettings, "pollIntervalMs" | "bootTimeoutMs" | "settleMs">;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** Fields that the API sets at launch and never again (https://docs.lambda.ai/api/cloud: launch). */
const LAUNCH_ONLY = [
  "sshKeyName",
  "image",
  "hostname",
  "userData",
  "fileSystemNames",
  "firewallRulesetIds",
  "tags",
] as const;

const MINUTE_MS = 60_000;
const BOOT_TIMEOUT_MS = { small: 20 * MINUTE_MS, large: 40 * MINUTE_MS };
const DELETE_TIMEOUT_MS = 15 * MINUTE_MS;

/** Checks what a launch would be refused for; a launch attempt is scarce, and user data must not be echoed. */
export function checkInstance(news: InstanceInputs): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const refuse = (property: string, reason: string): void => void failures.push({ property, reason });
  if (news.placements.length === 0)
    refuse("placements", "There is no placement; give at least one instance type and region.");
  if (!isUnknown(news.name) && news.name.length > 64)
    refuse("name", "The name is longer than the 64 characters that Lambda takes.");
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
    if (value.length > 128)
      refuse("tags", `The value of the tag ${key} is longer than the 128 characters that Lambda takes.`);
  }
  if (!isUnknown(news.userData) && Buffer.byteLength(news.userData ?? "") > 1_000_000) {
    refuse("", "The user data is larger than the 1,000,000 bytes that Lambda takes.");
  }
  return failures;
}

/** Which changes touch the instance, and which need another one. An instance whose placement is still listed stays. */
export function diffInstance(olds: InstanceOutputs, news: InstanceInputs): DiffResult {
  const replaces: string[] = LAUNCH_ONLY.filter(
    (key) => !isDeepStrictEqual(normal(olds[key]), normal(news[key])),
  );
  const stays =
    isUnknown(news.placements) ||
    // Never seen since its launch: it is not known where it runs, so nothing says that it must move.
    (olds as Partial<InstanceOutputs>).instanceType === undefined ||
    news.placements.some((p) => p.instanceType === olds.instanceType && p.region === olds.region);
  if (!stays) replaces.push("placements");
  const inPlace =
    olds.name !== news.name ||
    !isDeepStrictEqual(normal(olds.placements), normal(news.placements)) ||
    olds.replacement !== news.replacement;
  return {
    changes: inPlace || replaces.length > 0,
    replaces,
    deleteBeforeReplace: news.replacement === "delete-first",
  };
}

const normal = (value: unknown): unknown =>
  value === undefined || value === null ? undefined : JSON.parse(canonicalJson(value));

function launchSpec(inputs: InstanceInputs): LaunchSpec {
  const spec = {
    name: inputs.name,
    ssh_key_names: [inputs.sshKeyName] as [string],
    ...(inputs.image === undefined ? {} : { image: inputs.image }),
    ...(inputs.hostname === undefined ? {} : { hostname: inputs.hostname }),
    ...(inputs.userData === undefined ? {} : { user_data: inputs.userData }),
    ...(inputs.fileSystemNames === undefined ? {} : { file_system_names: [...inputs.fileSystemNames] }),
    ...(inputs.firewallRulesetIds === undefined
      ? {}
      : { firewall_rulesets: inputs.firewallRulesetIds.map((id) => ({ id })) }),
    tags: Object.entries({ ...inputs.tags, "managed-by": "pulumi" }).map(([key, value]) => ({ key, value })),
  };
  return launchRequestSchema
    .omit({ region_name: true, instance_type_name: true })
    .required({ name: true })
    .parse(spec);
}

function outputs(
  inputs: InstanceInputs,
  { ip, private_ip, region, instance_type: type }: Instance,
): InstanceOutputs {
  return {
    ...inputs,
    instanceType: type.name,
    region: region.name,
    // The engine takes no undefined: what is not there has no key.
    ...(ip ? { ip } : {}),
    ...(private_ip ? { privateIp: private_ip } : {}),
    hourlyPriceUsd: type.price_cents_per_hour / 100,
    gpus: type.specs.gpus,
    vcpus: type.specs.vcpus,
    memoryGib: type.specs.memory_gib,
    architecture: type.architecture === "arm64" || /gh200|gb200/.test(type.name) ? "arm64" : "amd64",
    schemaVersion: 1,
  };
}

/** Why an instance cannot be taken over; undefined when it can. */
function adoptionProblem(instance: Instance | undefined, inputs: InstanceInputs): string | undefined {
  if (instance === undefined || GONE.has(instance.status)) return "There is no living instance of this id.";
  if (!isUnknown(inputs.placements) && !isListed(inputs.placements, instance)) {
    return `The instance is a ${instance.instance_type.name} in ${instance.region.name}; add this to the placements.`;
  }
  if (!isUnknown(inputs.sshKeyName) && !instance.ssh_key_names.includes(inputs.sshKeyName)) {
    return `The instance has the SSH keys ${instance.ssh_key_names.join(", ")}; expected ${inputs.sshKeyName}.`;
  }
  return undefined;
}

const GONE = new Set<Instance["status"]>(["terminated", "terminating", "preempted"]);

/** The lifecycle of a Lambda Cloud instance. */
export class InstanceHandlers implements Handlers<InstanceInputs, InstanceOutputs> {
  readonly #context: InstanceContext;
  readonly #clock: Clock;
  /** Ids that creations of this run took over instead of launching. */
  readonly #takenOver = new Set<string>();
  /** Values of `adoptInstanceId` that have done their work: state holds what came of them. */
  readonly #adopted = new Set<string>();

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#clock = context.clock ?? systemClock;
  }

  /** Old inputs are given only for a resource that state holds. */
  async check(olds: Partial<InstanceInputs> | undefined, news: InstanceInputs) {
    if (olds?.adoptInstanceId !== undefined) this.#adopted.add(olds.adoptInstanceId);
    const failures = checkInstance(news);
    const { adoptInstanceId: adopted } = news;
    if (
      failures.length === 0 &&
      adopted !== undefined &&
      !isUnknown(adopted) &&
      !this.#adopted.has(adopted)
    ) {
      const reason = adoptionProblem(await this.#context.client.getInstance(adopted), news);
      if (reason !== undefined) failures.push({ property: "adoptInstanceId", reason });
    }
    return { inputs: news, failures };
  }

  diff(_id: string, olds: InstanceOutputs, news: InstanceInputs): Promise<DiffResult> {
    return Promise.resolve(diffInstance(olds, news));
  }

  async create(inputs: InstanceInputs): Promise<{ id: string; outs: InstanceOutputs }> {
    const { client, settings } = this.#context;
    const context = { client, clock: this.#clock, ...settings };
    const { id, takenOver } =
      (await this.#adopt(inputs)) ?? (await launchOnce(context, inputs.placements, launchSpec(inputs)));
    if (takenOver) this.#takenOver.add(id);
    return {
      id,
      outs: await this.#untilReady(id, inputs, { ifGone: "Run the command again: it launches another" }),
    };
  }

  /** What has been taken over before is being replaced now: taking it over again would end with its deletion. */
  async #adopt(inputs: InstanceInputs): Promise<{ id: string; takenOver: boolean } | undefined> {
    const { adoptInstanceId: id } = inputs;
    if (id === undefined || this.#adopted.has(id)) return undefined;
    const reason = adoptionProblem(await this.#context.client.getInstance(id), inputs);
    if (reason !== undefined) throw new Error(`${inputs.name}: ${id} cannot be adopted. ${reason}`);
    return { id, takenOver: true };
  }

  async read(id: string, props: InstanceOutputs): Promise<{ id: string; props: InstanceOutputs }> {
    const instance = await this.#context.client.getInstance(id);
    if (instance === undefined || GONE.has(instance.status)) return { id: "", props };
    return { id, props: { ...outputs(props, instance), name: instance.name ?? props.name } };
  }

  /** Renames in place, and goes on waiting for an instance that was not ready the last time. */
  async update(id: string, olds: InstanceOutputs, news: InstanceInputs): Promise<{ outs: InstanceOutputs }> {
    if (olds.name !== news.name) await this.#context.client.renameInstance(id, news.name);
    const ifGone = "Run the command again with --refresh: it launches another";
    return { outs: await this.#untilReady(id, news, { ifGone, olds }) };
  }

  /**
   * Terminates, and waits until the instance is gone: what it uses can be deleted only then. An instance that a
   * creation of this run took over is kept. The engine asks for that when it replaces a resource by one just like it
   * (`up --replace`, a new logical name): create cannot tell the predecessor from what a run that was cut off left.
   */
  async delete(id: string): Promise<void> {
    if (this.#takenOver.has(id)) {
      console.warn(
        `instance ${id}: it is kept, because its replacement is just like it and has taken it over. To get another machine, give the instance replacement: "delete-first" and run the command again.`,
      );
      return;
    }
    const { client, settings } = this.#context;
    const deadline = this.#clock.now() + DELETE_TIMEOUT_MS;
    for (let asked = false; ;) {
      const instance = await client.getInstance(id);
      if (instance === undefined || instance.status === "terminated" || instance.status === "preempted")
        return;
      if (this.#clock.now() > deadline) {
        throw new Error(
          `instance ${id}: it is still ${instance.status} 15 minutes after its termination was asked for. Look at it in the Lambda Cloud console.`,
        );
      }
      if (instance.status !== "terminating" || !asked) await this.#askToTerminate(id, instance.status);
      asked = true;
      await this.#clock.sleep(settings.pollIntervalMs);
    }
  }

  /** What counts is what the list says afterwards: an error here may come after the deed. */
  async #askToTerminate(id: string, status: Instance["status"]): Promise<void> {
    if (status === "terminating") return;
    try {
      await this.#context.client.terminate(id);
    } catch (error) {
      const now = await this.#context.client.getInstance(id);
      if (now !== undefined && !GONE.has(now.status)) throw error;
    }
  }

  async #untilReady(
    id: string,
    inputs: InstanceInputs,
    { ifGone, olds }: { readonly ifGone: string; readonly olds?: InstanceOutputs },
  ): Promise<InstanceOutputs> {
    const { pollIntervalMs, settleMs } = this.#context.settings;
    const started = this.#clock.now();
    let last: Instance | undefined;
    const notReady = (reason: string): InitializationFailure =>
      new InitializationFailure(id, last === undefined ? { ...olds, ...inputs } : outputs(inputs, last), [
        reason,
      ]);
    for (;;) {
      const waited = this.#clock.now() - started;
      const seen = await this.#context.client.getInstance(id).catch((error: unknown) => {
        throw notReady(error instanceof Error ? error.message : String(error));
      });
      if (seen !== undefined) last = seen;
      if (seen?.status === "active" && seen.ip) return outputs(inputs, seen);
      if (seen !== undefined && GONE.has(seen.status)) {
        throw new Error(`${inputs.name}: the instance ${id} is ${seen.status}. ${ifGone}.`);
      }
      if (seen === undefined && waited > settleMs) {
        throw notReady(
          `${inputs.name}: the instance ${id} is not there. Run the command again to go on waiting, with --refresh to launch another.`,
        );
      }
      if (waited > this.#bootTimeout(last)) {
        throw notReady(
          `${inputs.name}: the instance ${id} is ${last?.status ?? "unknown"}, not active, after ${Math.round(waited / MINUTE_MS)} minutes. Run the command again to go on waiting, or replace it.`,
        );
      }
      await this.#clock.sleep(pollIntervalMs);
    }
  }

  #bootTimeout(instance: Instance | undefined): number {
    const { small, large } = BOOT_TIMEOUT_MS;
    return (
      this.#context.settings.bootTimeoutMs ?? ((instance?.instance_type.specs.gpus ?? 1) > 1 ? large : small)
    );
  }
}
