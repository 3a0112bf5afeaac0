import { Adoption } from "./adoption";
import type { LambdaContext } from "./context";
import { InitializationFailure, type DiffResult, type Handlers } from "./handlers";
import {
  adoptionObstacle,
  checkInstance,
  diffInstance,
  launchSpec,
  outputs,
  usablePlacements,
  type InstanceInputs,
  type InstanceOutputs,
} from "./instancePlan";
import { launchOnce } from "./launch";
import { isAlive, type Instance } from "./schemas";

export type InstanceContext = LambdaContext<
  "listInstances" | "listInstanceTypes" | "getInstance" | "launch" | "terminate" | "renameInstance"
>;

const MINUTE_MS = 60_000;
const BOOT_TIMEOUT_MS = { small: 20 * MINUTE_MS, large: 40 * MINUTE_MS };
const DELETE_TIMEOUT_MS = 15 * MINUTE_MS;

/** The lifecycle of a Lambda Cloud instance. */
export class InstanceHandlers implements Handlers<InstanceInputs, InstanceOutputs> {
  readonly #context: InstanceContext;
  readonly #adoption: Adoption<Instance, InstanceInputs>;

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#adoption = new Adoption((id) => context.client.getInstance(id), adoptionObstacle);
  }

  /** Old inputs are given only for a resource that state holds. */
  check(olds: Partial<InstanceInputs> | undefined, news: InstanceInputs) {
    return this.#adoption.check(olds, news, checkInstance(news));
  }

  diff(_id: string, olds: InstanceOutputs, news: InstanceInputs): Promise<DiffResult> {
    return Promise.resolve(diffInstance(olds, news));
  }

  async create(inputs: InstanceInputs): Promise<{ id: string; outs: InstanceOutputs }> {
    const { id, takenOver } = await this.#obtain(inputs);
    if (takenOver) this.#adoption.takeOver(id);
    return {
      id,
      outs: await this.#untilReady(id, inputs, { ifGone: "Run the command again: it launches another" }),
    };
  }

  async #obtain(inputs: InstanceInputs): Promise<{ id: string; takenOver: boolean }> {
    const adopted = await this.#adoption.carryOut(inputs);
    if (adopted === undefined) {
      const capacityTimeoutMs = (inputs.capacityTimeoutMinutes ?? 0) * MINUTE_MS;
      return launchOnce(this.#context, usablePlacements(inputs), launchSpec(inputs), { capacityTimeoutMs });
    }
    if (adopted.name !== inputs.name) await this.#context.client.renameInstance(adopted.id, inputs.name);
    return { id: adopted.id, takenOver: true };
  }

  async read(id: string, props: InstanceOutputs): Promise<{ id: string; props: InstanceOutputs }> {
    const instance = await this.#context.client.getInstance(id);
    if (instance === undefined || !isAlive(instance)) return { id: "", props };
    return { id, props: { ...outputs(props, instance), name: instance.name ?? props.name } };
  }

  /** Renames in place, and goes on waiting for an instance that was not ready the last time. */
  async update(id: string, olds: InstanceOutputs, news: InstanceInputs): Promise<{ outs: InstanceOutputs }> {
    if (olds.name !== news.name) await this.#context.client.renameInstance(id, news.name);
    const ifGone = "Run the command again with --refresh: it launches another";
    return { outs: await this.#untilReady(id, news, { ifGone, olds }) };
  }

  /** Terminates, and waits until the instance is gone: what it uses can be deleted only then. */
  async delete(id: string): Promise<void> {
    if (this.#adoption.isTakenOver(id)) {
      console.warn(
        `instance ${id}: it is kept, because its replacement is just like it and has taken it over. To get another machine, give the instance replacement: "delete-first" and run the command again.`,
      );
      return;
    }
    const { client, settings } = this.#context;
    const deadline = this.#context.clock.now() + DELETE_TIMEOUT_MS;
    for (let asked = false; ;) {
      const instance = await client.getInstance(id);
      if (instance === undefined || instance.status === "terminated" || instance.status === "preempted")
        return;
      if (this.#context.clock.now() > deadline) {
        throw new Error(
          `instance ${id}: it is still ${instance.status} 15 minutes after its termination was asked for. Look at it in the Lambda Cloud console.`,
        );
      }
      if (instance.status !== "terminating" || !asked) await this.#askToTerminate(id, instance.status);
      asked = true;
      await this.#context.clock.sleep(settings.pollIntervalMs);
    }
  }

  /** What counts is what the list says afterwards: an error here may come after the deed. */
  async #askToTerminate(id: string, status: Instance["status"]): Promise<void> {
    if (status === "terminating") return;
    try {
      await this.#context.client.terminate(id);
    } catch (error) {
      const now = await this.#context.client.getInstance(id);
      if (now !== undefined && isAlive(now)) throw error;
    }
  }

  async #untilReady(
    id: string,
    inputs: InstanceInputs,
    { ifGone, olds }: { readonly ifGone: string; readonly olds?: InstanceOutputs },
  ): Promise<InstanceOutputs> {
    const { pollIntervalMs, settleMs } = this.#context.settings;
    const started = this.#context.clock.now();
    let last: Instance | undefined;
    const notReady = (reason: string): InitializationFailure =>
      new InitializationFailure(id, last === undefined ? { ...olds, ...inputs } : outputs(inputs, last), [
        reason,
      ]);
    for (;;) {
      const waited = this.#context.clock.now() - started;
      const seen = await this.#context.client.getInstance(id).catch((error: unknown) => {
        throw notReady(error instanceof Error ? error.message : String(error));
      });
      if (seen !== undefined) last = seen;
      if (seen?.status === "active" && seen.ip) return outputs(inputs, seen);
      if (seen !== undefined && !isAlive(seen)) {
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
      await this.#context.clock.sleep(pollIntervalMs);
    }
  }

  #bootTimeout(instance: Instance | undefined): number {
    const { small, large } = BOOT_TIMEOUT_MS;
    return (
      this.#context.settings.bootTimeoutMs ?? ((instance?.instance_type.specs.gpus ?? 1) > 1 ? large : small)
    );
  }
}
