import { z } from "zod";
import { containsSecret, secret, unwrap } from "../../../sandbox/plugins/propertyValues";
import { makeProvider } from "../../../sandbox/plugins/provider";
import { defineResource } from "../../../sandbox/plugins/resource";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const URN = "urn:pulumi:dev::probe::my:Component$toy:index:Box::box-name";

const box = defineResource({
  schema: z.object({
    size: z.number().min(1),
    color: z.string().default("red"),
    key: z.string().optional(),
    note: z.string().optional(),
  }),
  outputs: ["content", "token"],
  secretOutputs: ["token"],
  taintingInputs: ["key"],
  replaceOnChanges: ["size"],
  validate: ({ size, color }) =>
    size > 10 && color === "red" ? [{ path: "size", what: "is too large for a red box", got: size }] : [],
  drift: ({ size }, state) => Promise.resolve(state["content"] === `box of ${size}` ? [] : ["content"]),
  create: ({ size, color, key }, { name, log }) => {
    if (color === "broken") throw new Error(`cannot paint with ${key ?? "nothing"}`);
    log(`painting ${name} with ${key ?? "nothing"}`);
    return Promise.resolve({ id: name, outputs: { content: `box of ${size}`, token: "t" } });
  },
});

function toyProvider() {
  const lines: string[] = [];
  const {
    check,
    diff,
    create,
    update,
    delete: remove,
    schema = "",
  } = makeProvider({
    name: "toy",
    version: "1.2.3",
    resources: { "toy:index:Box": box },
    log: (_urn, line) => lines.push(line),
  });
  if (!check || !diff || !create || !update || !remove) throw new Error("the provider lacks a method");
  return { check, diff, create, update, delete: remove, schema, lines };
}

const failuresOf = async (inputs: object): Promise<unknown> =>
  (await toyProvider().check(URN, {}, inputs)).failures;

test("check fills in defaults and keeps what is given, secret or unknown", async () => {
  const inputs = { size: UNKNOWN, key: secret("k") };
  expect(await toyProvider().check(URN, {}, inputs)).toEqual({
    inputs: { ...inputs, color: "red" },
    failures: [],
  });
});

test("check reports all mistakes, and rules between inputs only when all are known", async () => {
  expect(await failuresOf({ color: 3, lid: true })).toEqual([
    {
      property: "lid",
      reason:
        "lid: is not supported by this stand-in; expected one of size, color, key, note. Leave it out, or install the official plugin.",
    },
    { property: "size", reason: "size: Invalid input: expected number, received undefined." },
    { property: "color", reason: "color: Invalid input: expected string, received number." },
  ]);
  expect(await failuresOf({ size: 11 })).toEqual([
    { property: "size", reason: "size: is too large for a red box (got 11)." },
  ]);
  expect(await failuresOf({ size: 11, note: UNKNOWN })).toEqual([]);
});

test("diff tells nothing, update and replacement apart; secrecy alone changes nothing", async () => {
  const state = { size: 2, color: "red", content: "box of 2" };
  const { diff } = toyProvider();
  expect(await diff("id", URN, state, { size: 2, color: secret("red") })).toEqual({
    changes: false,
    replaces: [],
  });
  expect(await diff("id", URN, state, { size: 2, color: "blue" })).toEqual({ changes: true, replaces: [] });
  expect(await diff("id", URN, state, { size: UNKNOWN, color: "red" })).toEqual({
    changes: true,
    replaces: ["size"],
  });
  expect(await diff("id", URN, { ...state, content: "?" }, { size: 2, color: "red" })).toEqual({
    changes: true,
    replaces: [],
  });
});

test("create records inputs as they came and hides outputs that depend on a secret", async () => {
  const { create, lines } = toyProvider();
  const open = await create(URN, { size: 2, color: "red" });
  expect(open).toEqual({
    id: "box-name",
    outs: { size: 2, color: "red", content: "box of 2", token: secret("t") },
  });
  const hidden = await create(URN, { size: 2, color: "red", key: secret("key-material") });
  const { outs } = hidden as { outs: Record<string, unknown> };
  expect(containsSecret(outs["content"])).toBe(true);
  expect(unwrap(outs)).toEqual({
    size: 2,
    color: "red",
    key: "key-material",
    content: "box of 2",
    token: "t",
  });
  expect(lines).toEqual(["painting box-name with nothing", "painting box-name with [secret]"]);
});

test("an update without an update step keeps the outputs; a delete without a delete step does nothing", async () => {
  const { update, delete: remove } = toyProvider();
  const olds = { size: 2, color: "red", content: "box of 2", token: secret("t") };
  expect(await update("id", URN, olds, { size: 2, color: "blue" })).toEqual({
    outs: { size: 2, color: "blue", content: "box of 2", token: secret("t") },
  });
  await expect(remove("id", URN, olds)).resolves.toBeUndefined();
});

test("an error shows neither a secret nor a stack", async () => {
  const inputs = { size: 2, color: "broken", key: secret("key-material") };
  const failed = toyProvider().create(URN, inputs);
  await expect(failed).rejects.toMatchObject({ message: "cannot paint with [secret]", stack: "" });
});

test("a type that has no stand-in is refused by name", async () => {
  await expect(toyProvider().check("urn:pulumi:dev::probe::toy:index:Bag::bag", {}, {})).rejects.toThrow(
    "toy:index:Bag: is not in the sandbox's stand-in for the toy provider; expected one of toy:index:Box. Install the official plugin: pulumi plugin install resource toy v1.2.3.",
  );
});

test("the schema names the package, its tokens and their properties", () => {
  const any = { $ref: "pulumi.json#/Any" };
  expect(JSON.parse(toyProvider().schema)).toEqual({
    name: "toy",
    version: "1.2.3",
    resources: {
      "toy:index:Box": {
        inputProperties: { size: any, color: any, key: any, note: any },
        properties: { size: any, color: any, key: any, note: any, content: any, token: any },
      },
    },
  });
});
