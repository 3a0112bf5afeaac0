import type { z } from "zod";
import type { Problem } from "../../components/problems";
import type { Properties } from "./propertyValues";

/** What an operation gets besides its properties. */
export interface OperationContext {
  /** The last part of the resource's URN. */
  readonly name: string;
  /** Aborted when the user interrupts the update. */
  readonly signal: AbortSignal;
  /** Shows a line of progress beside the resource, without the secrets among its inputs. */
  readonly log: (line: string) => void;
}

/** A problem with one input; `path` is the input's path within the resource. */
export type InputProblem = Problem;

/** A resource type of a stand-in: what it accepts, and what is done at each step of its life. */
export interface ResourceDefinition<S extends z.ZodObject> {
  /** Inputs with their types and defaults; anything else is refused. */
  readonly schema: S;
  /** Properties that the resource adds to its inputs. */
  readonly outputs: readonly string[];
  /** Outputs that are always secret. @default none */
  readonly secretOutputs?: readonly string[];
  /** Inputs whose secrecy makes every output secret. @default none */
  readonly taintingInputs?: readonly string[];
  /** Inputs whose change replaces the resource; any other change updates it. */
  readonly replaceOnChanges: "all" | readonly string[];
  /** Rules between inputs, asked only when all are known. @default none */
  readonly validate?: (inputs: z.output<S>) => readonly InputProblem[];
  /** Outputs that no longer hold although the inputs are the same, such as a hash over files. @default none */
  readonly drift?: (inputs: z.output<S>, state: Properties) => Promise<readonly string[]>;
  readonly create: (
    inputs: z.output<S>,
    context: OperationContext,
  ) => Promise<{ readonly id: string; readonly outputs: Properties }>;
  /** Returns the new outputs. @default changed inputs are recorded and the outputs kept */
  readonly update?: (
    inputs: z.output<S>,
    previous: Properties,
    context: OperationContext,
  ) => Promise<Properties>;
  /** @default nothing to clean up */
  readonly delete?: (inputs: z.output<S>, previous: Properties, context: OperationContext) => Promise<void>;
}

/** A definition whose input type is hidden, so that different ones fit in one table. */
export interface Resource extends Omit<
  ResourceDefinition<z.ZodObject>,
  "validate" | "drift" | "create" | "update" | "delete"
> {
  readonly validate: (inputs: Properties) => readonly InputProblem[];
  readonly drift: (inputs: Properties, state: Properties) => Promise<readonly string[]>;
  readonly create: (
    inputs: Properties,
    context: OperationContext,
  ) => Promise<{ readonly id: string; readonly outputs: Properties }>;
  readonly update: (
    inputs: Properties,
    previous: Properties,
    context: OperationContext,
  ) => Promise<Properties>;
  readonly delete: (inputs: Properties, previous: Properties, context: OperationContext) => Promise<void>;
}

/** Turns a typed definition into a table entry; every step parses what the engine sent. */
export function defineResource<S extends z.ZodObject>(definition: ResourceDefinition<S>): Resource {
  const { schema, outputs, validate, drift, create, update, delete: remove } = definition;
  const keep = (previous: Properties): Properties =>
    Object.fromEntries(outputs.map((name) => [name, previous[name]]));
  return {
    ...definition,
    validate: (inputs) => validate?.(schema.parse(inputs)) ?? [],
    drift: async (inputs, state) => (await drift?.(schema.parse(inputs), state)) ?? [],
    create: (inputs, context) => create(schema.parse(inputs), context),
    update: async (inputs, previous, context) =>
      (await update?.(schema.parse(inputs), previous, context)) ?? keep(previous),
    delete: async (inputs, previous, context) => remove?.(schema.parse(inputs), previous, context),
  };
}
