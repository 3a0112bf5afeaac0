import fc from "fast-check";
import { Limiter, sharedLimiter } from "../../../components/lambda-cloud/limiter";
import { VirtualClock } from "./virtualClock";

const PACE = { requestIntervalMs: 1_000, launchIntervalMs: 12_000 };

test("requests and launches keep their distance and their order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("request", "launch"), { maxLength: 12 }), async (kinds) => {
      const clock = new VirtualClock();
      const limiter = new Limiter(clock);
      const sent: { kind: string; turn: number; at: number }[] = [];
      await Promise.all(
        kinds.map(async (kind, turn) => {
          await (kind === "launch" ? limiter.launch(PACE) : limiter.request(PACE));
          sent.push({ kind, turn, at: clock.now() });
        }),
      );
      const times = sent.map(({ at }) => at).sort((a, b) => a - b);
      times.slice(1).forEach((at, i) => {
        expect(at - (times[i] ?? 0)).toBeGreaterThanOrEqual(1_000);
      });
      for (const kind of ["request", "launch"]) {
        const own = sent.filter((s) => s.kind === kind);
        expect(own.map(({ turn }) => turn)).toEqual(own.map(({ turn }) => turn).sort((a, b) => a - b));
      }
      const launches = sent.filter(({ kind }) => kind === "launch").map(({ at }) => at);
      launches.slice(1).forEach((at, i) => {
        expect(at - (launches[i] ?? 0)).toBeGreaterThanOrEqual(12_000);
      });
    }),
    { numRuns: 50 },
  );
});

test("five launches take 48 seconds, and other requests go between them", async () => {
  const clock = new VirtualClock();
  const limiter = new Limiter(clock);
  const launches = Promise.all(
    Array.from({ length: 5 }, async () => {
      await limiter.launch(PACE);
      return clock.now();
    }),
  );
  await limiter.request(PACE);
  expect(clock.now()).toBeLessThan(12_000);
  expect(await launches).toEqual([1_000, 13_000, 25_000, 37_000, 49_000]);
});

test("one limiter for an API in the whole process", () => {
  expect(sharedLimiter("http://127.0.0.1:1")).toBe(sharedLimiter("http://127.0.0.1:1"));
  expect(sharedLimiter("http://127.0.0.1:1")).not.toBe(sharedLimiter("http://127.0.0.1:2"));
});
