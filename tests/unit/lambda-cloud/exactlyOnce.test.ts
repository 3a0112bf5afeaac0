/**
 * Exactly one instance, whatever fails: a fixed set of schedules here, a thousand fresh ones with `npm run bench:faults`.
 */
import fc from "fast-check";
import { runSchedule, schedules } from "../../support/launchSchedules";

jest.setTimeout(120_000);

test("no schedule of faults and kills doubles, loses or orphans an instance", async () => {
  await fc.assert(fc.asyncProperty(schedules, runSchedule), { numRuns: 60, seed: 20261123 });
});

test("the model notices: two instances of one name are one too many", async () => {
  await expect(
    runSchedule([
      {
        do: "fault",
        rule: { route: "POST /instance-operations/launch", fault: { kind: "list-lag", seconds: 3_000 } },
      },
      { do: "killed-up" },
      { do: "up" },
      { do: "fault", rule: { route: "GET /regions", fault: { kind: "drop" } } },
    ]),
  ).rejects.toThrow(
    /^(there are two instances|the state does not hold the one instance that lives|an instance outlives its deletion): /,
  );
});
