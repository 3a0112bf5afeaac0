import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { z } from "zod";
import { defineResource, type InputProblem, type Resource } from "../resource";
import { alphabetOf, leastLength, randomText } from "./characters";

const keepers = z.record(z.string(), z.string()).optional();
const count = z.number().int().min(0);

const textSchema = z.object({
  length: z.number().int().min(1),
  lower: z.boolean().default(true),
  upper: z.boolean().default(true),
  numeric: z.boolean().default(true),
  special: z.boolean().default(true),
  minLower: count.default(0),
  minUpper: count.default(0),
  minNumeric: count.default(0),
  minSpecial: count.default(0),
  overrideSpecial: z.string().optional(),
  keepers,
});

function textProblems(rules: z.output<typeof textSchema>): InputProblem[] {
  const least = leastLength(rules);
  const problems: InputProblem[] = [];
  if (alphabetOf(rules) === "") {
    problems.push({
      path: "lower",
      what: "no kind of character is allowed",
      expected: "lower, upper, numeric or special to be true",
    });
  }
  if (least > rules.length) {
    problems.push({
      path: "length",
      what: "is less than the minimums together",
      got: rules.length,
      expected: `at least ${least}`,
      fix: "Raise length or lower minLower, minUpper, minNumeric or minSpecial",
    });
  }
  return problems;
}

/** `RandomString` and `RandomPassword` differ in their identifier and in what is secret only. */
function textResource(options: { readonly secret: boolean }): Resource {
  return defineResource({
    schema: textSchema,
    outputs: ["result"],
    secretOutputs: options.secret ? ["result"] : [],
    replaceOnChanges: "all",
    validate: textProblems,
    create: (rules) => {
      const result = randomText(rules);
      // An identifier is never secret, so a password cannot be its own.
      return Promise.resolve({ id: options.secret ? "none" : result, outputs: { result } });
    },
  });
}

const randomId = defineResource({
  schema: z.object({ byteLength: z.number().int().min(1), prefix: z.string().optional(), keepers }),
  outputs: ["hex", "b64Std", "b64Url", "dec"],
  replaceOnChanges: "all",
  create: ({ byteLength, prefix = "" }) => {
    const bytes = randomBytes(byteLength);
    const hex = bytes.toString("hex");
    return Promise.resolve({
      id: bytes.toString("base64url"),
      outputs: {
        hex: prefix + hex,
        b64Std: prefix + bytes.toString("base64"),
        b64Url: prefix + bytes.toString("base64url"),
        dec: `${prefix}${BigInt(`0x${hex}`)}`,
      },
    });
  },
});

/** `randomInt` accepts no wider range. */
const WIDEST_RANGE = 2 ** 48 - 1;

const randomInteger = defineResource({
  schema: z.object({ min: z.number().int(), max: z.number().int(), keepers }),
  outputs: ["result"],
  replaceOnChanges: "all",
  validate: ({ min, max }) =>
    max >= min && max - min < WIDEST_RANGE
      ? []
      : [{ path: "max", what: "is out of range", got: max, expected: `${min} to ${min + WIDEST_RANGE - 1}` }],
  create: ({ min, max }) => {
    const result = randomInt(min, max + 1);
    return Promise.resolve({ id: String(result), outputs: { result } });
  },
});

const randomUuid = defineResource({
  schema: z.object({ keepers }),
  outputs: ["result"],
  replaceOnChanges: "all",
  create: () => {
    const result = randomUUID();
    return Promise.resolve({ id: result, outputs: { result } });
  },
});

/**
 * The resources of the random provider that have a stand-in, by type token. They differ from upstream in this:
 * `bcryptHash` of a password is never set, `seed` and the deprecated `number` are refused, and an import is not
 * possible. https://www.pulumi.com/registry/packages/random/
 */
export const randomResources: Readonly<Record<string, Resource>> = {
  "random:index/randomPassword:RandomPassword": textResource({ secret: true }),
  "random:index/randomString:RandomString": textResource({ secret: false }),
  "random:index/randomId:RandomId": randomId,
  "random:index/randomInteger:RandomInteger": randomInteger,
  "random:index/randomUuid:RandomUuid": randomUuid,
};
