import { isUnknown, type CheckFailure } from "./handlers";

/** Inputs of a resource that may exist already. */
export interface Adoptable {
  readonly name: string;
  /** Id of what exists and is taken over instead of making one. @default - make one */
  readonly adopt?: string;
}

/**
 * What is there already and taken over instead of made: because the input `adopt` says so, or because a run that was
 * cut off left it. The engine cannot import dynamic resources, so the input takes its place: it is verified in check,
 * carried out in create, and afterwards it has done its work. Taking the same thing over again in a replacement would
 * end with its deletion.
 */
export class Adoption<Found, Inputs extends Adoptable> {
  readonly #find: (id: string) => Promise<Found | undefined>;
  readonly #obstacle: (found: Found | undefined, inputs: Inputs) => string | undefined;
  /** Values of the input that have done their work: state holds what came of them. */
  readonly #done = new Set<string>();
  readonly #takenOver = new Set<string>();

  /** @param obstacle Why it cannot be adopted, as a sentence; undefined when it can */
  constructor(
    find: (id: string) => Promise<Found | undefined>,
    obstacle: (found: Found | undefined, inputs: Inputs) => string | undefined,
  ) {
    this.#find = find;
    this.#obstacle = obstacle;
  }

  /**
   * Ends a check: whether the input can be carried out is looked up only if nothing else is wrong.
   *
   * @param olds Given only for a resource that state holds
   */
  async check(
    olds: Partial<Inputs> | undefined,
    news: Inputs,
    failures: readonly CheckFailure[],
  ): Promise<{ inputs: Inputs; failures: CheckFailure[] }> {
    if (olds?.adopt !== undefined) this.#done.add(olds.adopt);
    const { adopt: id } = news;
    if (failures.length > 0 || id === undefined || isUnknown(id) || this.#done.has(id))
      return { inputs: news, failures: [...failures] };
    const reason = this.#obstacle(await this.#find(id), news);
    return { inputs: news, failures: reason === undefined ? [] : [{ property: "adopt", reason }] };
  }

  /** @returns undefined when there is nothing to adopt (any more) */
  async carryOut(inputs: Inputs): Promise<Found | undefined> {
    const { adopt: id, name } = inputs;
    if (id === undefined || this.#done.has(id)) return undefined;
    const found = await this.#find(id);
    const reason = this.#obstacle(found, inputs);
    if (reason !== undefined) throw new Error(`${name}: ${id} cannot be adopted. ${reason}`);
    return found;
  }

  /** Notes that a creation of this run has taken something over. */
  takeOver(id: string): void {
    this.#takenOver.add(id);
  }

  /**
   * Whether its deletion must leave it alone. The engine asks for that when it replaces a resource by one just like it
   * (`up --replace`, a new logical name): create cannot tell the predecessor from what a run that was cut off left.
   */
  isTakenOver(id: string): boolean {
    return this.#takenOver.has(id);
  }
}
