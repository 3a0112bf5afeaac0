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
