import fc from "fast-check";
import { ManualClock, ScaledClock } from "../../../sandbox/lambdaCloud/clock";
import { TokenBucket } from "../../../sandbox/lambdaCloud/rateLimit";

describe("the manual clock", () => {
  test("stops at every timer on the way, in order, and at those that they set", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(100), (moments, end) => {
        const clock = new ManualClock();
        const seen: number[] = [];
        for (const moment of moments) clock.at(moment * 1000, () => seen.push(clock.now() / 1000));
        clock.at(end * 1000, () => clock.at(end * 1000, () => seen.push(clock.now() / 1000)));
        clock.advance(end);
        expect(seen).toEqual([...moments.filter((moment) => moment <= end), end].sort((a, b) => a - b));
        expect(clock.now()).toBe(end * 1000);
      }),
    );
  });

  test("forgets a timer that is taken back", () => {
    const clock = new ManualClock();
    const run = jest.fn();
    clock.at(1000, run)();
    clock.advance(2);
    expect(run).not.toHaveBeenCalled();
  });
});

describe("the scaled clock", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("runs faster than time, from where an earlier one was, and counts the time between", () => {
    const clock = new ScaledClock(20, { real: Date.now() - 1_000, virtual: 5_000 });
    expect(clock.now()).toBe(25_000);
    jest.advanceTimersByTime(500);
    expect(clock.now()).toBe(35_000);
  });

  test("does not go back when the computer's clock does", () => {
    expect(new ScaledClock(20, { real: Date.now() + 60_000, virtual: 5_000 }).now()).toBe(5_000);
  });

  test("wakes when the moment has come, not before, and once", () => {
    const clock = new ScaledClock(20, { real: Date.now(), virtual: 0 });
    const run = jest.fn();
    clock.at(10_000, run);
    jest.advanceTimersByTime(499);
    expect(run).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(10_000);
    expect(run).toHaveBeenCalledTimes(1);
  });

  test("waits longer than a timer can", () => {
    const clock = new ScaledClock(1, { real: Date.now(), virtual: 0 });
    const run = jest.fn();
    clock.at(2 ** 31 + 1_000, run);
    jest.advanceTimersByTime(2 ** 31);
    expect(run).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(1);
  });
});

test("a token bucket never lets through more than its burst and its rate allow", () => {
  const limit = { secondsPerRequest: 12, burst: 1.1 };
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 50 }), (pauses) => {
      const clock = new ManualClock();
      const bucket = new TokenBucket(clock, limit);
      let taken = 0;
      for (const pause of pauses) {
        clock.advance(pause);
        if (bucket.take()) taken += 1;
        expect(taken).toBeLessThanOrEqual(limit.burst + clock.now() / 1000 / limit.secondsPerRequest + 1e-9);
      }
    }),
  );
});
