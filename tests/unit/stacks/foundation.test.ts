import fc from "fast-check";
import type { NodePool } from "../../../stacks/config";
import { placements, plannedNodes } from "../../../stacks/foundation";

describe("nodes", () => {
  const poolOf = (count: number) => ({ count }) as NodePool;

  test("all regions of a type come before the next type", () => {
    expect(
      placements({ instanceTypes: ["a", "b"], regions: ["x", "y"] }).map(
        (p) => `${p.instanceType} ${p.region}`,
      ),
    ).toEqual(["a x", "a y", "b x", "b y"]);
  });

  test("every pair is tried once, types first", () => {
    const some = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(some, some, (instanceTypes, regions) => {
        const tried = placements({ instanceTypes, regions });
        const rank = ({ instanceType, region }: (typeof tried)[number]): number =>
          instanceTypes.indexOf(instanceType) * regions.length + regions.indexOf(region);
        expect(tried.map(rank)).toEqual(
          Array.from({ length: instanceTypes.length * regions.length }, (_, i) => i),
        );
      }),
    );
  });

  test("names are unique, and a pool that grows keeps the names it had", () => {
    const count = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(count, count, count, (a, b, more) => {
        const names = (n: number): string[] =>
          plannedNodes({ server: poolOf(n), gpu: poolOf(b) }).map(({ name }) => name);
        expect(new Set(names(a)).size).toBe(a + b);
        expect(names(a + more)).toEqual(expect.arrayContaining(names(a)));
      }),
    );
  });
});
