/** `npm run bench:faults`: a thousand fresh schedules of faults against the launch of an instance (`--runs N`, `--seed N`). */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { step } from "../../sandbox/progress";
import { runSchedule, schedules } from "../support/launchSchedules";

const { values } = parseArgs({ options: { runs: { type: "string" }, seed: { type: "string" } } });
const numRuns = Number(values.runs ?? 1000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

step(`${numRuns} schedules, seed ${seed}`, () =>
  fc.assert(fc.asyncProperty(schedules, runSchedule), { numRuns, seed }),
).then(
  () => {
    console.log(`${numRuns} schedules: 0 doubled, 0 lost, 0 orphaned`);
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
