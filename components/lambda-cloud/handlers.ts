/** The shapes of Pulumi's dynamic provider protocol, spelled out here because this folder does not import Pulumi. */

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface DiffResult {
  readonly changes: boolean;
  readonly replaces: string[];
  readonly deleteBeforeReplace: boolean;
}

/** The lifecycle of one kind of resource. Inputs and outputs arrive as plain JSON, secrets among them in clear. */
export interface Handlers<Inputs, Outputs> {
  check(olds: unknown, news: Inputs): Promise<{ inputs: Inputs; failures: CheckFailure[] }>;
  diff(id: string, olds: Outputs, news: Inputs): Promise<DiffResult>;
  create(inputs: Inputs): Promise<{ id: string; outs: Outputs }>;
  /** An empty id says that the resource is gone. */
  read(id: string, props: Outputs): Promise<{ id: string; props: Outputs }>;
  update(id: string, olds: Outputs, news: Inputs): Promise<{ outs: Outputs }>;
  delete(id: string, props: Outputs): Promise<void>;
}

/** Inputs of a resource that may exist already. */
export interface Adoptable {
  /** Id of what exists and is taken over instead of making one. @default - make one */
  readonly adopt?: string;
}

/**
 * The adoption of what exists already. The engine cannot import dynamic resources, so an input takes its place: it is
 * verified in check, carried out in create, and afterwards it has done its work. Taking the same thing over again in a
 * replacement would end with its deletion.
 */
export class Adoption<Found, Inputs extends Adoptable> {
  readonly #find: (id: string) => Promise<Found | undefined>;
  readonly #obstacle: (found: Found | undefined, inputs: Inputs) => string | undefined;
  /** Values of the input that have done their work: state holds what came of them. */
  readonly #done = new Set<string>();

  /** @param obstacle Why it cannot be adopted, as a sentence; undefined when it can */
  constructor(
    find: (id: string) => Promise<Found | undefined>,
    obstacle: (found: Found | undefined, inputs: Inputs) => string | undefined,
  ) {
    this.#find = find;
    this.#obstacle = obstacle;
  }

  /** @param olds Given only for a resource that state holds */
  async check(olds: Partial<Adoptable> | undefined, news: Inputs): Promise<CheckFailure[]> {
    if (olds?.adopt !== undefined) this.#done.add(olds.adopt);
    const { adopt: id } = news;
    if (id === undefined || isUnknown(id) || this.#done.has(id)) return [];
    const reason = this.#obstacle(await this.#find(id), news);
    return reason === undefined ? [] : [{ property: "adopt", reason }];
  }

  /** @returns undefined when there is nothing to adopt (any more) */
  async carryOut(inputs: Inputs & { readonly name: string }): Promise<Found | undefined> {
    const { adopt: id, name } = inputs;
    if (id === undefined || this.#done.has(id)) return undefined;
    const found = await this.#find(id);
    const reason = this.#obstacle(found, inputs);
    if (reason !== undefined) throw new Error(`${name}: ${id} cannot be adopted. ${reason}`);
    return found;
  }
}

/** How the engine writes a value that is not known before an update runs. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value, or anything in it, is not known yet. */
export function isUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(isUnknown);
  return value === UNKNOWN;
}

/**
 * Says that a resource exists but is not ready. The engine keeps it in state under its id and calls update the next
 * time; an ordinary error would leave a billed instance that nothing knows of.
 */
export class InitializationFailure extends Error {
  constructor(
    readonly id: string,
    /** Must hold `__provider`, or the resource can never be deleted. */
    readonly properties: object,
    readonly reasons: string[],
  ) {
    super(reasons.join("; "));
    this.name = "InitializationFailure";
  }
}
