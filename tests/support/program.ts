/** Runs a part of the program against recording mocks and hands back what it registered. */
import * as pulumi from "@pulumi/pulumi";

/** One registration, with secrets unwrapped. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Secrets reach mocks as marked objects; tests of shape want the value inside. */
export function unwrapSecrets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (SECRET_SIGNATURE in value && "value" in value) return unwrapSecrets(value.value);
  if (Array.isArray(value)) return value.map(unwrapSecrets);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unwrapSecrets(part)]));
}

/** What the cloud would answer, by resource type. */
export type Answers = Readonly<Record<string, (registration: Registration) => Record<string, unknown>>>;

/**
 * Runs `build` to its end, registrations included. It proves inputs, not that any API accepts them.
 *
 * @param answers Outputs to add to the inputs, by type token. @default - none
 * @throws what `build`, or any Output in it, throws
 */
export async function runProgram<T>(
  build: () => T,
  {
    answers = {},
    stack = "test",
    preview = false,
  }: { answers?: Answers; stack?: string; preview?: boolean } = {},
): Promise<{ result: T; registrations: Registration[] }> {
  const registrations: Registration[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        const registration = {
          type: args.type,
          name: args.name,
          inputs: unwrapSecrets(args.inputs) as Record<string, unknown>,
        };
        registrations.push(registration);
        return {
          id: `${args.name}-id`,
          state: { ...(args.inputs as Record<string, unknown>), ...answers[args.type]?.(registration) },
        };
      },
      call: (args) => args.inputs as Record<string, unknown>,
    },
    "sophia-ai",
    stack,
    preview,
  );
  const result = build();
  await pulumi.runtime.disconnect();
  return { result, registrations };
}

/** The value of an Output; never resolves when it is unknown. */
export const valueOf = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((resolve) => {
    output.apply(resolve);
  });

/** The registrations of one type, by name. */
export function ofType(registrations: readonly Registration[], type: string): Record<string, Registration> {
  return Object.fromEntries(registrations.filter((r) => r.type === type).map((r) => [r.name, r]));
}
