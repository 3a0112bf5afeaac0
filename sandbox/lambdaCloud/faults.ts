/** What can go wrong, by schedule: which calls of which route, and how. */
import { z } from "zod";
import { refusalKinds } from "./apiFailure";

/** Virtual seconds. */
const seconds = z.number().min(0).default(60);
const kind = <K extends string>(name: K) => z.strictObject({ kind: z.literal(name) });

/** Nothing is done, and the API says so. */
const refusalFault = z.strictObject({ kind: z.enum(refusalKinds) });

/** Things go wrong on the way there or back. "commit" means that the request has been carried out by then. */
const transportFaults = [
  kind("delay").extend({ seconds }),
  kind("drop"),
  kind("commit-drop"),
  kind("commit-error").extend({
    status: z.union([z.literal(500), z.literal(502), z.literal(504)]).default(502),
  }),
  kind("commit-garbage"),
  kind("empty-ids"),
  kind("rate-limit").extend({
    /** As the API's front says it, rather than as JSON. */
    text: z.boolean().default(false),
    /** @default - no such header */
    retryAfterSeconds: z.number().min(0).optional(),
  }),
] as const;

/** The launch is carried out, but with the instance something is not as it should be. */
const instanceFaults = [
  kind("list-lag").extend({ seconds }),
  kind("stuck-boot"),
  kind("unhealthy-boot").extend({ seconds }),
  kind("without-ip"),
  kind("without-private-ip"),
  kind("preempt").extend({ seconds }),
  kind("vanish").extend({ seconds }),
] as const;

export const faultSchema = z.discriminatedUnion("kind", [
  refusalFault,
  ...transportFaults,
  ...instanceFaults,
]);
export type Fault = z.infer<typeof faultSchema>;

/** Names of all faults, for help texts. */
export const faultKinds: readonly string[] = [
  ...refusalKinds,
  ...[...transportFaults, ...instanceFaults].map((option) => option.shape.kind.value),
];

export const faultRuleSchema = z.strictObject({
  /** Method and path, ids as `{id}`: `POST /instance-operations/launch`. */
  route: z.string(),
  /** The first call that is hit, counted from when the rule is made. @default 1 */
  nth: z.int().min(1).default(1),
  /** From then on, each so-many-th call is hit. @default 1 */
  every: z.int().min(1).default(1),
  /** How many calls are hit at most. @default 1 */
  times: z.int().min(1).default(1),
  fault: faultSchema,
  /** How many calls of the route there were. */
  seen: z.int().default(0),
});
export type FaultRule = z.infer<typeof faultRuleSchema>;
/** A rule as a caller writes it, defaults left out. */
export type FaultRuleInput = z.input<typeof faultRuleSchema>;

function hits({ seen, nth, every, times }: FaultRule): boolean {
  const after = seen - nth;
  return after >= 0 && after % every === 0 && after / every < times;
}

/** Counts a call and says what hits it; of several rules, the first one that was made. */
export function takeFault(rules: readonly FaultRule[], route: string): Fault | undefined {
  const concerned = rules.filter((rule) => rule.route === route);
  for (const rule of concerned) rule.seen += 1;
  return concerned.find(hits)?.fault;
}
