/** A simulated account, and the real client on a clock that jumps ahead instead of waiting. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { LambdaCloudClient } from "../../components/lambda-cloud/client";
import { Limiter, type Clock } from "../../components/lambda-cloud/limiter";
import { isAlive } from "../../components/lambda-cloud/schemas";
import { ManualClock } from "../../sandbox/lambdaCloud/clock";
import type { Cloud } from "../../sandbox/lambdaCloud/cloud";
import { faultRuleSchema, type FaultRuleInput } from "../../sandbox/lambdaCloud/faults";
import { LambdaSimulator } from "../../sandbox/lambdaCloud/simulator";

const PACE = { requestIntervalMs: 1_000, launchIntervalMs: 12_000 };
const SETTINGS = { pollIntervalMs: 5_000, settleMs: 180_000 };

/** Instances that live and cost, whether the API lists them or not. */
export const living = (simulator: LambdaSimulator) => simulator.instances().filter(isAlive);

export class SimulatedAccount {
  readonly clock = new ManualClock();
  readonly #dir = mkdtempSync(path.join(tmpdir(), "sophia-account-"));
  readonly #simulator = new LambdaSimulator({
    stateFile: path.join(this.#dir, "state.json"),
    apiKey: "key",
    adminToken: "token",
    clock: this.clock,
  });
  #apiUrl = "";

  async start(): Promise<void> {
    this.#apiUrl = (await this.#simulator.start()).url;
  }

  async stop(): Promise<void> {
    await this.#simulator.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get cloud(): Cloud {
    return this.#simulator.cloud;
  }

  /** Ids of those that live. */
  alive(): string[] {
    return living(this.#simulator).map(({ id }) => id);
  }

  fault(rule: FaultRuleInput): void {
    this.cloud.state.faults.push(faultRuleSchema.parse(rule));
  }

  /** What handlers work with. Every process of the engine starts with a fresh one. */
  context() {
    const clock: Clock = {
      now: () => this.clock.now(),
      sleep: (ms) => {
        this.clock.advance(ms / 1000);
        return Promise.resolve();
      },
    };
    const options = { ...PACE, apiUrl: this.#apiUrl, apiKey: "key", clock, limiter: new Limiter(clock) };
    return { client: new LambdaCloudClient(options), settings: SETTINGS, clock };
  }
}
