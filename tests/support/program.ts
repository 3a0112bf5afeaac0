/** Runs a part of the program against recording mocks and hands back what it registered. */
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks";

/** One registration, with secrets unwrapped. Other resources are called by their logical names. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Paths of the inputs that were secret, such as `stringData`; the outermost where one holds another. */
  readonly secrets: readonly string[];
  readonly options: RegistrationOptions;
}

/** What the engine is asked to do with a resource, beside its inputs. */
export interface RegistrationOptions {
  readonly parent: string;
  /** Provider of a custom resource; empty: the default one. */
  readonly provider: string;
  /** All that must be there first: declared, or because an input comes from it. */
  readonly dependencies: readonly string[];
  readonly deletedWith: string;
  readonly additionalSecretOutputs: readonly string[];
  /** The engine refuses to delete or replace it. */
  readonly protect: boolean;
  /** Time limit of creation, such as `5m`; empty: the provider's own. */
  readonly createTimeout: string;
}

const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

interface Marked {
  readonly value: unknown;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isSecret = (value: object): value is Marked => SECRET_SIGNATURE in value && "value" in value;

/** Secrets reach mocks as marked objects; tests of shape want the value inside. */
export function unwrapSecrets(value: unknown): unknown {
  if (!isObject(value)) return value;
  if (isSecret(value)) return unwrapSecrets(value.value);
  if (Array.isArray(value)) return value.map(unwrapSecrets);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unwrapSecrets(part)]));
}

function secretPaths(value: unknown, at = ""): string[] {
  if (!isObject(value)) return [];
  if (isSecret(value)) return [at];
  return Object.entries(value).flatMap(([key, part]) => secretPaths(part, at === "" ? key : `${at}.${key}`));
}

/** The logical name in a URN, or in a reference to a provider, which is a URN and an id. */
const nameOf = (urn: string): string => urn.split("::")[3] ?? "";

function optionsOf(request: RegisterResourceRequest): RegistrationOptions {
  return {
    parent: nameOf(request.getParent()),
    provider: nameOf(request.getProvider()),
    dependencies: request.getDependenciesList().map(nameOf).sort(),
    deletedWith: nameOf(request.getDeletedwith()),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    protect: request.getProtect() ?? false,
    createTimeout: request.getCustomtimeouts()?.getCreate() ?? "",
  };
}

/** Mocks are not told a resource's options, so they are read from the request on its way to them. */
function recordOptions(): ReadonlyMap<string, RegistrationOptions> {
  const options = new Map<string, RegistrationOptions>();
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: RegisterResourceRequest, answer) => {
    options.set(`${request.getType()}::${request.getName()}`, optionsOf(request));
    return register(request, answer);
  };
  return options;
}

/** What the cloud would answer, by resource type. */
export type Answers = Readonly<Record<string, (registration: Registration) => Record<string, unknown>>>;

/** What a program was built to, and what it registered on the way. */
export interface ProgramRun<T> {
  readonly result: T;
  readonly registrations: Registration[];
}

/**
 * Runs `build` to its end, registrations included. It proves inputs, not that any API accepts them. Mocks are global
 * to the process: one run after the other, never two at once.
 *
 * @param answers Outputs to add to the inputs, by type token. @default - none
 * @throws what `build` throws
 */
export async function runProgram<T>(
  build: () => T,
  {
    answers = {},
    stack = "test",
    preview = false,
  }: { answers?: Answers; stack?: string; preview?: boolean } = {},
): Promise<ProgramRun<T>> {
  const registrations: Registration[] = [];
  let options: ReadonlyMap<string, RegistrationOptions> = new Map();
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        const made = options.get(`${args.type}::${args.name}`);
        if (made === undefined) throw new Error(`${args.type} ${args.name} was read, not registered`);
        const registration = {
          type: args.type,
          name: args.name,
          inputs: unwrapSecrets(args.inputs) as Record<string, unknown>,
          secrets: secretPaths(args.inputs),
          options: made,
        };
        registrations.push(registration);
        const outputs = {
          ...(args.inputs as Record<string, unknown>),
          ...answers[args.type]?.(registration),
        };
        // The engine does this by itself, mocks do not.
        for (const key of made.additionalSecretOutputs)
          if (key in outputs) outputs[key] = pulumi.secret(outputs[key]);
        return { id: `${args.name}-id`, state: outputs };
      },
      call: (args) => args.inputs as Record<string, unknown>,
    },
    "sophia-ai",
    stack,
    preview,
  );
  options = recordOptions();
  // The SDK takes a stack trace for every promise, and source maps make them most of a run's time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return { result: build(), registrations };
  } finally {
    await pulumi.runtime.disconnect();
    Error.stackTraceLimit = stackTraceLimit;
  }
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

/** Type and name of every registration, sorted: what the state is keyed by. */
export const identities = (registrations: readonly Registration[]): string[] =>
  registrations.map(({ type, name }) => `${type}::${name}`).sort();

/** The registration of that type and name; its absence is an error. */
export function one(registrations: readonly Registration[], type: string, name: string): Registration {
  const found = ofType(registrations, type)[name];
  if (found === undefined) throw new Error(`${type}::${name} was not registered`);
  return found;
}
