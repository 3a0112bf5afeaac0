import fc from "fast-check";
import { canonicalJson, instanceName } from "../../../components/lambda-cloud/naming";

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,90}$/);

test("a name fits the API, names its stack, and depends on nothing but its parts", () => {
  fc.assert(
    fc.property(label, label, fc.jsonValue(), (stack, logicalName, replaceInputs) => {
      const name = instanceName({ stack, logicalName, replaceInputs });
      expect(name).toMatch(/^[a-z0-9-]+-[0-9a-f]{8}$/);
      expect(name.length).toBeLessThanOrEqual(64);
      expect(name.startsWith(stack.slice(0, 55))).toBe(true);
      expect(instanceName({ stack, logicalName, replaceInputs })).toBe(name);
    }),
  );
});

test("the order of keys makes no difference, the values do", () => {
  const name = (replaceInputs: unknown) =>
    instanceName({ stack: "prod", logicalName: "gpu-1", replaceInputs });
  expect(name({ a: 1, b: { c: 2, d: [3] } })).toBe(name({ b: { d: [3], c: 2 }, a: 1 }));
  expect(name({ a: 1 })).not.toBe(name({ a: 2 }));
  // A recorded name: machines that run are found by it, so the rule may never change.
  expect(name({ a: 1 })).toBe("prod-gpu-1-5cda4bf6");
});

test("long names that differ only beyond the limit stay apart", () => {
  const name = (end: string) =>
    instanceName({ stack: "prod", logicalName: "x".repeat(80) + end, replaceInputs: {} });
  expect(name("a")).not.toBe(name("b"));
});

test("canonical JSON parses back to the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
