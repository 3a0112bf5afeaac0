/**
 * Everything the program tells a user who made a mistake goes through this file, so that every message has one
 * shape: `<path>: <what is wrong> (got <value>); expected <allowed>. <what to do>`.
 */

/** One mistake: where it is, what it is, and how to mend it. */
export interface Problem {
  /** Where: a configuration path such as `nodes.gpu.regions[0]`, or the name of a resource, file or variable. */
  readonly path: string;
  /** What is wrong, as a clause without a capital or a full stop. */
  readonly what: string;
  /** The offending value; never a secret. @default - the "(got …)" part is left out */
  readonly got?: unknown;
  /** What would have been right. @default - the "expected …" part is left out */
  readonly expected?: string;
  /** What to do next, as a sentence without its full stop. @default - nothing is suggested */
  readonly fix?: string;
}

/** Renders one problem as a single line. */
export function formatProblem({ path, what, got, expected, fix }: Problem): string {
  const value = got === undefined ? "" : ` (got ${JSON.stringify(got)})`;
  const allowed = expected === undefined ? "" : `; expected ${expected}`;
  const remedy = fix === undefined ? "" : ` ${fix}${fix.endsWith("?") ? "" : "."}`;
  return `${path}: ${what}${value}${allowed}.${remedy}`;
}

/** All the mistakes found in one place, reported together. */
export class ProblemReport extends Error {
  constructor(
    /** What was being checked, such as `configuration of stack local`. */
    readonly subject: string,
    readonly problems: readonly Problem[],
  ) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${subject}: ${count}`, ...problems.map((p) => `  - ${formatProblem(p)}`)].join("\n"));
    this.name = "ProblemReport";
  }
}

/** Throws a {@link ProblemReport} if there is at least one problem. */
export function throwIfAny(subject: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ProblemReport(subject, problems);
}
