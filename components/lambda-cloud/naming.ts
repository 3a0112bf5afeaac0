import { createHash } from "node:crypto";

/** Longest instance name that the API takes. */
const MAX_NAME = 64;
const HASH_DIGITS = 8;

/** JSON with sorted keys: equal values give equal text, whatever order they were written or sent in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/**
 * The name under which an instance is found again, whatever happened between its launch and the state: the API has no
 * client token, so the name is our identity. `<stack>-<logical name>-<hash>`, at most 64 characters; the hash is over
 * the inputs that force a replacement, so a replacement never mistakes its predecessor for itself.
 */
export function instanceName({
  stack,
  logicalName,
  replaceInputs,
}: {
  stack: string;
  logicalName: string;
  replaceInputs: unknown;
}): string {
  const hash = createHash("sha256")
    .update(`${stack}\0${logicalName}\0${canonicalJson(replaceInputs)}`)
    .digest("hex")
    .slice(0, HASH_DIGITS);
  return `${`${stack}-${logicalName}`.slice(0, MAX_NAME - HASH_DIGITS - 1)}-${hash}`;
}
