import { isDeepStrictEqual } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { formatProblem } from "../../components/problems";
import {
  containsSecret,
  containsUnknown,
  type Properties,
  redactor,
  secret,
  unwrapAll,
} from "./propertyValues";
import type { InputProblem, OperationContext, Resource } from "./resource";

/** What is particular to one provider. */
export interface ProviderOptions {
  /** The package's name, such as `random`. */
  readonly name: string;
  /** The npm package's version, which is also the plugin's. */
  readonly version: string;
  /** Resources by type token. */
  readonly resources: Readonly<Record<string, Resource>>;
  /** Receives progress; the text is free of secrets. */
  readonly log: (urn: string, line: string) => void;
}

const describeIssue = (issue: z.core.$ZodIssue): InputProblem => ({
  path: issue.path.map(String).join("."),
  what: issue.message,
});

/** Everything wrong with the inputs of a resource; what is not known yet is believed. */
function problemsOf(
  resource: Resource,
  inputs: Properties,
): { problems: InputProblem[]; defaults: Properties } {
  const allowed = Object.keys(resource.schema.shape);
  const surplus = Object.keys(inputs).filter((key) => !allowed.includes(key) && !key.startsWith("__"));
  const known = Object.fromEntries(Object.entries(inputs).filter(([, value]) => !containsUnknown(value)));
  const complete = Object.keys(known).length === Object.keys(inputs).length;
  const parsed = (complete ? resource.schema : resource.schema.partial()).safeParse(known);
  const problems = [
    ...surplus.map((path) => ({
      path,
      what: "is not supported by this stand-in",
      expected: `one of ${allowed.join(", ")}`,
      fix: "Leave it out, or install the official plugin",
    })),
    ...(parsed.error?.issues.map(describeIssue) ?? []),
    ...(parsed.success && complete ? resource.validate(parsed.data) : []),
  ];
  return { problems, defaults: parsed.data ?? {} };
}

/** Names of the inputs that differ. */
function changedInputs(resource: Resource, state: Properties, inputs: Properties): string[] {
  return Object.keys(resource.schema.shape).filter((key) => !isDeepStrictEqual(state[key], inputs[key]));
}

const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";

/** Finds the definition of a URN's type, or says that the stand-in has none. */
function findResource({ name, version, resources }: ProviderOptions, urn: string): Resource {
  const found = resources[typeOf(urn)];
  if (found !== undefined) return found;
  throw new Error(
    formatProblem({
      path: typeOf(urn),
      what: `is not in the sandbox's stand-in for the ${name} provider`,
      expected: `one of ${Object.keys(resources).join(", ")}`,
      fix: `Install the official plugin: pulumi plugin install resource ${name} v${version}`,
    }),
  );
}

type Body<T> = (resource: Resource, context: OperationContext) => Promise<T>;

/** Runs one step of a resource; neither its progress nor its error shows a secret among `secrets`. */
async function runStep<T>(
  options: ProviderOptions,
  signal: AbortSignal,
  urn: string,
  secrets: Properties,
  body: Body<T>,
): Promise<T> {
  const redact = redactor(secrets);
  const log = (line: string): void => {
    options.log(urn, redact(line));
  };
  try {
    return await body(findResource(options, urn), { name: urn.split("::").at(-1) ?? "", signal, log });
  } catch (cause) {
    const error = new Error(redact(cause instanceof Error ? cause.message : String(cause)));
    // The server prints stacks to the user, who is not helped by them.
    error.stack = "";
    throw error;
  }
}

/** What goes into the state: the inputs as they came, and the outputs, secret where they must be. */
function recordOf(resource: Resource, inputs: Properties, outputs: Properties): Properties {
  const tainted = (resource.taintingInputs ?? []).some((key) => containsSecret(inputs[key]));
  const hidden = (key: string): boolean => tainted || (resource.secretOutputs ?? []).includes(key);
  const own = Object.entries(outputs).filter(([, value]) => value !== undefined);
  return {
    ...inputs,
    ...Object.fromEntries(own.map(([key, value]) => [key, hidden(key) ? secret(value) : value])),
  };
}

/** What a change of inputs means: nothing, an update, or a replacement. */
async function diffOf(
  resource: Resource,
  state: Properties,
  inputs: Properties,
): Promise<pulumi.provider.DiffResult> {
  const changed = changedInputs(resource, state, inputs);
  const drifted = changed.length === 0 ? await resource.drift(inputs, state) : [];
  const replaces = changed.filter(
    (key) => resource.replaceOnChanges === "all" || resource.replaceOnChanges.includes(key),
  );
  return { changes: changed.length + drifted.length > 0, replaces };
}

/** Builds the object that the SDK's provider server asks for every step of every resource. */
export function makeProvider(options: ProviderOptions): pulumi.provider.Provider {
  const running = new AbortController();
  const run = <T>(urn: string, secrets: Properties, body: Body<T>): Promise<T> =>
    runStep(options, running.signal, urn, secrets, body);
  return {
    version: options.version,
    schema: schemaOf(options),
    check: (urn, _olds: Properties, news: Properties) =>
      run(urn, news, (resource) => {
        const { problems, defaults } = problemsOf(resource, unwrapAll(news));
        const failures = problems.map((problem) => ({
          property: problem.path.split(".")[0] ?? "",
          reason: formatProblem(problem),
        }));
        return Promise.resolve({ inputs: { ...defaults, ...news }, failures });
      }),
    diff: (_id, urn, olds: Properties, news: Properties) =>
      run(urn, news, (resource) => diffOf(resource, unwrapAll(olds), unwrapAll(news))),
    create: (urn, inputs: Properties) =>
      run(urn, inputs, async (resource, context) => {
        const { id, outputs } = await resource.create(unwrapAll(inputs), context);
        return { id, outs: recordOf(resource, inputs, outputs) };
      }),
    update: (_id, urn, olds: Properties, news: Properties) =>
      run(urn, { olds, news }, async (resource, context) => {
        const outputs = await resource.update(unwrapAll(news), unwrapAll(olds), context);
        return { outs: recordOf(resource, news, outputs) };
      }),
    delete: (_id, urn, olds: Properties) =>
      run(urn, olds, (resource, context) => resource.delete(unwrapAll(olds), unwrapAll(olds), context)),
    cancel: () => {
      running.abort(new Error("the update was interrupted"));
      return Promise.resolve();
    },
  };
}

/** A schema that lists tokens and property names; the types are upstream's. */
function schemaOf({ name, version, resources }: ProviderOptions): string {
  const any = (keys: readonly string[]): Properties =>
    Object.fromEntries(keys.map((key) => [key, { $ref: "pulumi.json#/Any" }]));
  const describe = ({ schema, outputs }: Resource): Properties => {
    const inputs = Object.keys(schema.shape);
    return { inputProperties: any(inputs), properties: any([...inputs, ...outputs]) };
  };
  return JSON.stringify({
    name,
    version,
    resources: Object.fromEntries(Object.entries(resources).map(([token, r]) => [token, describe(r)])),
  });
}
