import * as fc from "fast-check";
import { alphabetOf, leastLength, randomText, SPECIAL } from "../../../sandbox/plugins/random/characters";
import { randomResources } from "../../../sandbox/plugins/random/resources";
import { makeProvider } from "../../../sandbox/plugins/provider";
import { containsSecret, unwrap } from "../../../sandbox/plugins/propertyValues";

const provider = makeProvider({
  name: "random",
  version: "1.0.0",
  resources: randomResources,
  log: () => undefined,
});

/** Checks and creates, as an update does. */
async function make(type: string, inputs: object): Promise<{ id: string; outs: Record<string, unknown> }> {
  const urn = `urn:pulumi:dev::probe::random:index/${type.charAt(0).toLowerCase()}${type.slice(1)}:${type}::it`;
  const checked = await provider.check?.(urn, {}, inputs);
  if (checked?.failures?.length) throw new Error(checked.failures.map(({ reason }) => reason).join("\n"));
  const created = await provider.create?.(urn, checked?.inputs);
  return { id: created?.id ?? "", outs: created?.outs as Record<string, unknown> };
}

const rules = fc.record({
  length: fc.integer({ min: 1, max: 40 }),
  lower: fc.boolean(),
  upper: fc.boolean(),
  numeric: fc.boolean(),
  special: fc.boolean(),
  minLower: fc.nat(8),
  minUpper: fc.nat(8),
  minNumeric: fc.nat(8),
  minSpecial: fc.nat(8),
  overrideSpecial: fc.constantFrom(undefined, "_-", "!"),
});

test("a random text has the length, the minimums and only the characters of its rules", () => {
  fc.assert(
    fc.property(rules, (rule) => {
      fc.pre(alphabetOf(rule) !== "" && leastLength(rule) <= rule.length);
      const text = randomText(rule);
      const special = rule.overrideSpecial ?? SPECIAL;
      const count = (test: (c: string) => boolean): number => text.split("").filter(test).length;
      expect(text).toHaveLength(rule.length);
      expect(count((c) => /[a-z]/.test(c))).toBeGreaterThanOrEqual(rule.minLower);
      expect(count((c) => /[A-Z]/.test(c))).toBeGreaterThanOrEqual(rule.minUpper);
      expect(count((c) => /[0-9]/.test(c))).toBeGreaterThanOrEqual(rule.minNumeric);
      expect(count((c) => special.includes(c))).toBeGreaterThanOrEqual(rule.minSpecial);
      if (!rule.lower) expect(count((c) => /[a-z]/.test(c))).toBe(rule.minLower);
      if (!rule.special) expect(count((c) => SPECIAL.includes(c))).toBe(rule.minSpecial);
    }),
  );
});

test("every character is drawn about as often as any other", () => {
  const even = { lower: false, upper: false, numeric: true, special: false };
  const none = { minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 };
  const text = randomText({ ...even, ...none, length: 10_000 });
  // 1,000 expected; 200 is more than six standard deviations.
  for (const digit of "0123456789") expect(Math.abs(text.split(digit).length - 1001)).toBeLessThan(200);
});

test("a password is secret and not its own identifier; a string is its own", async () => {
  const password = await make("RandomPassword", { length: 24 });
  expect(password.id).toBe("none");
  expect(containsSecret(password.outs["result"])).toBe(true);
  expect(unwrap(password.outs["result"])).toHaveLength(24);
  const text = await make("RandomString", { length: 6, special: false });
  expect(text.outs["result"]).toBe(text.id);
  expect(text.id).toMatch(/^[a-zA-Z0-9]{6}$/);
});

test("impossible rules are refused", async () => {
  await expect(make("RandomString", { length: 3, minLower: 2, minUpper: 2 })).rejects.toThrow(
    "length: is less than the minimums together (got 3); expected at least 4. Raise length or lower minLower, minUpper, minNumeric or minSpecial.",
  );
  const nothing = { length: 3, lower: false, upper: false, numeric: false, special: false };
  await expect(make("RandomString", nothing)).rejects.toThrow(
    "lower: no kind of character is allowed; expected lower, upper, numeric or special to be true.",
  );
});

test("the forms of a RandomId are the same number, each with the prefix", async () => {
  const { id, outs } = await make("RandomId", { byteLength: 5, prefix: "p-" });
  const bytes = Buffer.from(id, "base64url");
  expect(bytes).toHaveLength(5);
  expect(outs).toEqual({
    byteLength: 5,
    prefix: "p-",
    hex: `p-${bytes.toString("hex")}`,
    b64Std: `p-${bytes.toString("base64")}`,
    b64Url: `p-${id}`,
    dec: `p-${BigInt(`0x${bytes.toString("hex")}`)}`,
  });
});

test("a RandomInteger lies in its range, both ends included", async () => {
  const seen = new Set<unknown>();
  for (let i = 0; i < 100; i++) seen.add((await make("RandomInteger", { min: -1, max: 1 })).outs["result"]);
  expect([...seen].sort()).toEqual([-1, 0, 1].sort());
  await expect(make("RandomInteger", { min: 2, max: 1 })).rejects.toThrow(
    "max: is out of range (got 1); expected 2 to 281474976710656.",
  );
});

test("a RandomUuid is one of version 4", async () => {
  const { id, outs } = await make("RandomUuid", { keepers: { a: "1" } });
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(outs).toEqual({ keepers: { a: "1" }, result: id });
});

test("any change of inputs replaces", async () => {
  const urn = "urn:pulumi:dev::probe::random:index/randomUuid:RandomUuid::it";
  const change = provider.diff?.("id", urn, { keepers: { a: "1" }, result: "x" }, { keepers: { a: "2" } });
  expect(await change).toEqual({ changes: true, replaces: ["keepers"] });
});
