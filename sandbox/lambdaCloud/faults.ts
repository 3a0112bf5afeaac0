/** What can go wrong, by schedule: which call of which route, how often, and how. */
import { z } from "zod";

const seconds = z.number().min(0);

/** Faults of the answer. "commit" means that the request is carried out before things go wrong. */
export const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("delay"), seconds }),
  z.strictObject({ kind: z.literal("drop") }),
  z.strictObject({ kind: z.literal("commit-drop") }),
  z.strictObject({
    kind: z.literal("commit-error"),
    status: z.union([z.literal(500), z.literal(502), z.literal(504)]),
  }),
  z.strictObject({ kind: z.literal("commit-garbage") }),
  z.strictObject({ kind: z.literal("empty-ids") }),
  z.strictObject({
    kind: z.literal("rate-limit"),
    text: z.boolean().default(false),
    retryAfterSeconds: seconds.optional(),
  }),
  z.strictObject({ kind: z.literal("unauthorized") }),
  z.strictObject({ kind: z.literal("inactive") }),
  z.strictObject({ kind: z.literal("unavailable") }),
  z.strictObject({ kind: z.literal("conflict") }),
  z.strictObject({ kind: z.literal("unknown-error") }),
  // Faults of a launched instance.
  z.strictObject({ kind: z.literal("no-capacity") }),
  z.strictObject({ kind: z.literal("list-lag"), seconds }),
  z.strictObject({ kind: z.literal("stuck-boot") }),
  z.strictObject({ kind: z.literal("unhealthy-boot"), seconds }),
  z.strictObject({ kind: z.literal("without-ip") }),
  z.strictObject({ kind: z.literal("preempt"), seconds }),
]);

export type Fault = z.infer<typeof faultSchema>;

export const faultRuleSchema = z.strictObject({
  /** Method and path, ids as `{id}`: `POST /instance-operations/launch`. */
  route: z.string(),
  /** The first call that is hit, counted from when the rule is made. @default 1 */
  nth: z.int().min(1).default(1),
  /** How many calls are hit from then on. @default 1 */
  times: z.int().min(1).default(1),
  fault: faultSchema,
  /** How many calls of the route there were. */
  seen: z.int().default(0),
});

export type FaultRule = z.infer<typeof faultRuleSchema>;

/** Counts a call and says what hits it. */
export function takeFault(rules: readonly FaultRule[], route: string): Fault | undefined {
  const concerned = rules.filter((rule) => rule.route === route);
  for (const rule of concerned) rule.seen += 1;
  return concerned.find(({ seen, nth, times }) => seen >= nth && seen < nth + times)?.fault;
}

/** Names of all faults, for help texts. */
export const faultKinds: readonly string[] = faultSchema.options.map((option) => option.shape.kind.value);
