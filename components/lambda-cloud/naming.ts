import { createHash } from "node:crypto";
import { MAX_NAME_LENGTH } from "./schemas";

/** JSON with sorted keys: equal values give equal text, whatever order they were written or sent in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Whose a resource at Lambda is. */
export interface Owner {
  readonly project: string;
  readonly stack: string;
}

const digest = (text: string, digits: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

/** In every name that a project's stacks give, so that what is theirs is known without a state. */
const projectMark = (project: string): string => digest(project, 6);

/**
 * The name under which a resource is found again, whatever happened between its creation and the state: the API has no
 * client token, so the name is our identity. `<stack>-<logical name>-<project mark>-<hash>`; the hash is over the owner,
 * the logical name and the inputs that force a replacement, so a replacement never mistakes its predecessor for itself.
 *
 * @param inputs Those that force a replacement. @default - none
 * @param maxLength Characters. @default 64
 */
export function ownedName(
  { project, stack }: Owner,
  logicalName: string,
  inputs: unknown = {},
  maxLength = MAX_NAME_LENGTH,
): string {
  const hash = digest(`${project}\0${stack}\0${logicalName}\0${canonicalJson(inputs)}`, 8);
  const end = `-${projectMark(project)}-${hash}`;
  // File systems take no other characters, and a letter first.
  const readable = `${stack}-${logicalName}`.replaceAll(/[^a-zA-Z0-9-]/g, "-").replace(/^(?![a-zA-Z])/, "x");
  return `${readable.slice(0, maxLength - end.length)}${end}`;
}

/** Whether a stack of the project gave this name. */
export const isOwnedName = (project: string, name: string): boolean =>
  new RegExp(`-${projectMark(project)}-[0-9a-f]{8}$`).test(name);
