/** Schedules of faults and of what users do meanwhile, and what must be true after each. */
import fc from "fast-check";
import { LaunchModel, type Action } from "./launchModel";

const LAUNCH = "POST /instance-operations/launch";
const TERMINATE = "POST /instance-operations/terminate";
const READS = ["GET /instances", "GET /instances/{id}", "GET /instance-types"];

const kinds = (...names: string[]) => fc.constantFrom(...names).map((kind) => ({ kind }));
const timed = (...names: string[]) =>
  fc.record({ kind: fc.constantFrom(...names), seconds: fc.integer({ min: 10, max: 400 }) });

const anywhere = kinds("drop", "commit-drop", "commit-error", "commit-garbage", "rate-limit", "unavailable");
const atLaunch = fc.oneof(
  anywhere,
  kinds(
    "empty-ids",
    "conflict",
    "internal-error",
    "no-capacity",
    "stuck-boot",
    "without-ip",
    "unknown-error",
  ),
  timed("unhealthy-boot", "preempt", "vanish"),
);

const rule = (route: fc.Arbitrary<string>, fault: fc.Arbitrary<object>): fc.Arbitrary<Action> =>
  fc
    .record({ route, fault, nth: fc.integer({ min: 1, max: 3 }), times: fc.integer({ min: 1, max: 4 }) })
    .map((made) => ({ do: "fault", rule: made }) as Action);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Action>({ do: "up" }) },
  { weight: 2, arbitrary: fc.constant<Action>({ do: "killed-up" }) },
  { weight: 1, arbitrary: fc.constant<Action>({ do: "refresh" }) },
  { weight: 4, arbitrary: rule(fc.constant(LAUNCH), atLaunch) },
  { weight: 2, arbitrary: rule(fc.constantFrom(...READS), anywhere) },
  { weight: 1, arbitrary: rule(fc.constant(TERMINATE), fc.oneof(anywhere, kinds("unknown-error"))) },
);

export const schedules = fc.array(action, { minLength: 1, maxLength: 10 });

/**
 * Runs one schedule. At no time are there two instances, in the end there is exactly the one that the state holds, and
 * after its deletion none.
 *
 * @throws Error that says which of these does not hold
 */
export async function runSchedule(schedule: readonly Action[]): Promise<void> {
  const model = new LaunchModel();
  await model.start();
  const expect = (truth: boolean, what: string): void => {
    if (!truth)
      throw new Error(`${what}: alive ${model.alive().join(", ")}; state ${model.stateId ?? "none"}`);
  };
  try {
    for (const step of schedule) {
      await model.perform(step);
      expect(model.alive().length <= 1, "there are two instances");
    }
    await model.converge();
    expect(model.isReady, "the instance never became ready");
    expect(model.alive().join() === model.stateId, "the state does not hold the one instance that lives");
    await model.destroy();
    expect(model.alive().length === 0, "an instance outlives its deletion");
  } finally {
    await model.stop();
  }
}
