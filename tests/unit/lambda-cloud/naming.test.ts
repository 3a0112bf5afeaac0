import fc from "fast-check";
import { canonicalJson, isOwnedName, ownedName } from "../../../components/lambda-cloud/naming";

const label = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,90}$/);
const prod = { project: "sophia-ai", stack: "prod" };

test("a name fits the API, file systems too, knows its project, and depends on nothing but its parts", () => {
  fc.assert(
    fc.property(label, label, label, fc.jsonValue(), (project, stack, logicalName, inputs) => {
      const name = ownedName({ project, stack }, logicalName, inputs, 60);
      expect(name).toMatch(/^[a-zA-Z][a-zA-Z0-9-]*-[0-9a-f]{6}-[0-9a-f]{8}$/);
      expect(name.length).toBeLessThanOrEqual(60);
      expect(isOwnedName(project, name)).toBe(true);
      expect(isOwnedName(`${project}x`, name)).toBe(false);
      expect(ownedName({ project, stack }, logicalName, inputs, 60)).toBe(name);
    }),
  );
});

test("the order of keys makes no difference, the values, the stack and the project do", () => {
  const name = (inputs: unknown) => ownedName(prod, "gpu-1", inputs);
  expect(name({ a: 1, b: { c: 2, d: [3] } })).toBe(name({ b: { d: [3], c: 2 }, a: 1 }));
  expect(name({ a: 1 })).not.toBe(name({ a: 2 }));
  const others = [
    { ...prod, stack: "staging" },
    { ...prod, project: "other" },
  ];
  for (const owner of others) expect(ownedName(owner, "gpu-1", { a: 1 })).not.toBe(name({ a: 1 }));
  // A recorded name: machines that run are found by it, so the rule may never change.
  expect(name({ a: 1 })).toBe("prod-gpu-1-4eb51e-a1e39220");
});

test("long names that differ only beyond the limit stay apart", () => {
  const name = (end: string) => ownedName(prod, "x".repeat(80) + end);
  expect(name("a")).not.toBe(name("b"));
});

test("canonical JSON parses back to the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
