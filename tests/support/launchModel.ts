/**
 * What the engine does with an instance, without the engine: it keeps what the handlers return, forgets what it was told
 * when it is killed, and goes on with what is not ready. Around it, a simulated cloud in which things go wrong.
 */
import { InitializationFailure } from "../../components/lambda-cloud/handlers";
import { InstanceHandlers } from "../../components/lambda-cloud/instance";
import type { InstanceInputs, InstanceOutputs } from "../../components/lambda-cloud/instancePlan";
import type { FaultRuleInput } from "../../sandbox/lambdaCloud/faults";
import { SimulatedAccount } from "./simulatedAccount";

const INPUTS: InstanceInputs = {
  name: "test-gpu-1-0123abcd",
  placements: [
    { instanceType: "gpu_1x_a10", region: "us-east-1" },
    { instanceType: "gpu_1x_a10", region: "us-west-1" },
  ],
  sshKeyName: "key",
  hostname: "gpu-1",
};

/** What a user, or the world, does next. */
export type Action =
  | { readonly do: "up" }
  /** The engine is killed before it writes down what came of the update. */
  | { readonly do: "killed-up" }
  | { readonly do: "refresh" }
  | { readonly do: "fault"; readonly rule: FaultRuleInput };

/** How often a user tries again before replacing an instance that does not become ready. */
const PATIENCE = 3;
const ROUNDS = 20;

interface State {
  readonly id: string;
  readonly outputs: InstanceOutputs;
  readonly ready: boolean;
}

export class LaunchModel {
  readonly #account = new SimulatedAccount();
  #state: State | undefined;

  async start(): Promise<void> {
    await this.#account.start();
    this.#account.cloud.state.sshKeys.push({ id: "k", name: "key", public_key: "ssh-ed25519 AAAA" });
  }

  stop(): Promise<void> {
    return this.#account.stop();
  }

  /** The id that the state holds. */
  get stateId(): string | undefined {
    return this.#state?.id;
  }

  /** Whether the state holds an instance that was ready when it was last looked at. */
  get isReady(): boolean {
    return this.#state?.ready === true;
  }

  alive(): string[] {
    return this.#account.alive();
  }

  async perform(action: Action): Promise<void> {
    switch (action.do) {
      case "fault":
        this.#account.fault(action.rule);
        return;
      case "up":
        return this.#up(true);
      case "killed-up":
        return this.#up(false);
      case "refresh":
        return this.#refresh();
    }
  }

  /** The faults end, and the user goes on until the instance is ready; one that never will be is replaced. */
  async converge(): Promise<void> {
    this.#account.cloud.state.faults.length = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      await this.#refresh();
      await this.#up(true);
      if (this.isReady) return;
      if (round % PATIENCE === 0) await this.destroy();
    }
  }

  async destroy(): Promise<void> {
    if (this.#state === undefined) return;
    await this.#handlers().delete(this.#state.id);
    this.#state = undefined;
  }

  /** Every process of the engine starts with nothing but the state. */
  #handlers(): InstanceHandlers {
    return new InstanceHandlers(this.#account.context());
  }

  async #up(isWritten: boolean): Promise<void> {
    if (this.#state?.ready === true) return;
    const next = await this.#createOrResume(this.#handlers(), this.#state);
    if (isWritten) this.#state = next;
  }

  async #createOrResume(handlers: InstanceHandlers, state: State | undefined): Promise<State | undefined> {
    try {
      if (state === undefined) {
        const { id, outs } = await handlers.create(INPUTS);
        return { id, outputs: outs, ready: true };
      }
      const { outs } = await handlers.update(state.id, state.outputs, INPUTS);
      return { ...state, outputs: outs, ready: true };
    } catch (error) {
      if (!(error instanceof InitializationFailure)) return state;
      return { id: error.id, outputs: error.properties as InstanceOutputs, ready: false };
    }
  }

  async #refresh(): Promise<void> {
    if (this.#state === undefined) return;
    try {
      const { id } = await this.#handlers().read(this.#state.id, this.#state.outputs);
      if (id === "") this.#state = undefined;
    } catch {
      // An error of the API decides nothing: the state stays as it is.
    }
  }
}
