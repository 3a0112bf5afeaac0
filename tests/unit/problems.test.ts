import { z } from "zod";
import { formatProblem, ProblemReport, throwIfAny } from "../../components/problems";
import { formatPath, zodProblems } from "../../components/zodProblems";

describe("formatProblem", () => {
  test("says where, what, got, expected and what to do", () => {
    const problem = { path: "a.b", what: "is wrong", got: 3, expected: "1 or 2", fix: "Mend it" };
    expect(formatProblem(problem)).toBe("a.b: is wrong (got 3); expected 1 or 2. Mend it.");
  });

  test("leaves out what is not known", () => {
    expect(formatProblem({ path: "a", what: "is missing" })).toBe("a: is missing.");
  });

  test("does not put a full stop after a question", () => {
    expect(formatProblem({ path: "a", what: "is unknown", fix: 'Did you mean "b"?' })).toBe(
      'a: is unknown. Did you mean "b"?',
    );
  });
});

describe("ProblemReport", () => {
  test("lists every problem under its subject", () => {
    const problems = [
      { path: "a", what: "is missing" },
      { path: "b", what: "is wrong", got: "x" },
    ];
    expect(new ProblemReport("configuration", problems).message).toBe(
      'configuration: 2 problems\n  - a: is missing.\n  - b: is wrong (got "x").',
    );
  });

  test("is thrown only when there is a problem", () => {
    expect(() => {
      throwIfAny("configuration", []);
    }).not.toThrow();
    expect(() => {
      throwIfAny("configuration", [{ path: "a", what: "is missing" }]);
    }).toThrow(new Error("configuration: 1 problem\n  - a: is missing."));
  });
});

describe("zodProblems", () => {
  const schema = z.strictObject({
    kind: z.enum(["x", "y"]),
    count: z.int().min(1).max(5),
    names: z.array(z.string().min(1)).min(1),
  });
  const messages = (input: unknown, secret = false): string[] => {
    const { error } = schema.safeParse(input);
    return error === undefined ? [] : zodProblems(error, "root", input, secret).map(formatProblem);
  };

  test("reports everything at once, with paths as a user types them", () => {
    expect(messages({ kind: "z", count: 9, names: ["a", 7], more: true })).toEqual([
      'root.kind: is not an allowed value (got "z"); expected one of "x", "y".',
      "root.count: is out of range (got 9); expected at most 5.",
      "root.names[1]: has the wrong type (got 7); expected string.",
      "root.more: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
    ]);
  });

  test("calls what is not there missing", () => {
    expect(messages({ kind: "x", names: ["a"] })).toEqual(["root.count: is missing; expected number."]);
  });

  test("never quotes a secret", () => {
    expect(messages({ kind: "hush", count: 1, names: ["a"] }, true)).toEqual([
      'root.kind: is not an allowed value; expected one of "x", "y".',
    ]);
  });

  test("formatPath", () => {
    expect(formatPath(["nodes", "gpu", "regions", 0])).toBe("nodes.gpu.regions[0]");
  });
});
