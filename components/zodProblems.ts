import type { z } from "zod";
import type { Problem } from "./problems";

type Issue = z.core.$ZodIssue;

/** Renders a path the way a user would type it: `nodes.gpu.regions[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    root,
  );
}

/** What users call what zod calls by a name of its own. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  record: "map",
  object: "map",
  array: "list",
  int: "integer",
};

const list = (values: readonly unknown[]): string => values.map((v) => JSON.stringify(v)).join(", ");

function bound(issue: Extract<Issue, { code: "too_small" | "too_big" }>): string {
  const limit = issue.code === "too_small" ? issue.minimum : issue.maximum;
  const side = issue.code === "too_small" ? "at least" : "at most";
  if (issue.origin === "string") return `${side} ${limit} characters`;
  if (issue.origin === "array") return `${side} ${limit} ${Number(limit) === 1 ? "entry" : "entries"}`;
  return `${side} ${limit}`;
}

function describe(issue: Issue): Omit<Problem, "path" | "got"> {
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others speak for themselves
  switch (issue.code) {
    case "invalid_type":
      return { what: "has the wrong type", expected: TYPE_NAMES[issue.expected] ?? issue.expected };
    case "invalid_value":
      return { what: "is not an allowed value", expected: `one of ${list(issue.values)}` };
    case "too_small":
    case "too_big":
      return { what: "is out of range", expected: bound(issue) };
    case "invalid_format":
      return { what: "is malformed", expected: issue.message };
    default:
      return { what: issue.message };
  }
}

/**
 * Translates what zod found into problems of the house shape, all of them.
 *
 * @param at Prefix of every path, such as `nodes`
 * @param input The value that was parsed; values are quoted from it
 * @param secret Leave every value out of the messages. @default false
 */
export function zodProblems(error: z.ZodError, at: string, input: unknown, secret = false): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = formatPath([...(at === "" ? [] : [at]), ...issue.path]);
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: formatPath([path, key].filter((p) => p !== "")),
        what: "is not a known setting",
        fix: "Remove it, or look up its spelling in docs/configuration.md",
      }));
    }
    const got = secret ? undefined : valueAt(input, issue.path);
    const isMissing = !secret && got === undefined && /^invalid_(type|value)$/.test(issue.code);
    return [{ path, got, ...describe(issue), ...(isMissing ? { what: "is missing" } : {}) }];
  });
}
