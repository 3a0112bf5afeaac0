/**
 * Property values as the engine sends them to a provider: secrets are marked objects, values that are not known yet
 * (during a preview) are marked strings. https://github.com/pulumi/pulumi/blob/master/sdk/nodejs/runtime/rpc.ts
 */

/** A bag of property values in the engine's encoding. */
export type Properties = Readonly<Record<string, unknown>>;

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** The engine's marks for "known only after the update", one for each type of value. */
const UNKNOWN: ReadonlySet<unknown> = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const isSecret = (value: unknown): value is { value: unknown } =>
  isObject(value) && value[SIGNATURE] === SECRET;

const children = (value: unknown): unknown[] => (isObject(value) ? Object.values(value) : []);

/** Marks a value as secret, so that the engine encrypts it in the state and masks it on the terminal. */
export const secret = (value: unknown): unknown => ({ [SIGNATURE]: SECRET, value });

/** True when a secret lies anywhere in the value. */
export const containsSecret = (value: unknown): boolean =>
  isSecret(value) || children(value).some(containsSecret);

/** True when any part of the value is not known yet. */
export const containsUnknown = (value: unknown): boolean =>
  UNKNOWN.has(value) || children(value).some(containsUnknown);

/** The value without its marks of secrecy, at every depth. */
export function unwrap(value: unknown): unknown {
  if (isSecret(value)) return unwrap(value.value);
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, unwrap(child)]));
}

/** {@link unwrap} for a bag of properties; leaves out what is null, which is how the engine says "not given". */
export function unwrapAll(properties: Properties): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties)
      .map(([key, value]) => [key, unwrap(value)] as const)
      .filter(([, value]) => value !== null && value !== undefined),
  );
}

const strings = (value: unknown): string[] =>
  typeof value === "string" ? [value] : children(value).flatMap(strings);

const secretStrings = (value: unknown): string[] =>
  isSecret(value) ? strings(unwrap(value)) : children(value).flatMap(secretStrings);

/** Shorter pieces of a secret are words that occur in any text; hiding them would hide nothing. */
const SHORTEST_REDACTED = 8;

/** A function that hides every secret string of the properties, line by line, in text that is shown to the user. */
export function redactor(properties: Properties): (text: string) => string {
  const pieces = secretStrings(properties)
    .flatMap((text) => text.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_REDACTED)
    .sort((a, b) => b.length - a.length);
  return (text) => pieces.reduce((result, piece) => result.replaceAll(piece, "[secret]"), text);
}
