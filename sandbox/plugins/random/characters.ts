import { randomInt } from "node:crypto";

/** How many characters of which kinds a random string has; as upstream's RandomString and RandomPassword. */
export interface CharacterRules {
  readonly length: number;
  readonly lower: boolean;
  readonly upper: boolean;
  readonly numeric: boolean;
  readonly special: boolean;
  readonly minLower: number;
  readonly minUpper: number;
  readonly minNumeric: number;
  readonly minSpecial: number;
  /** The special characters to choose from. @default {@link SPECIAL} */
  readonly overrideSpecial?: string | undefined;
}

/** Upstream's special characters. */
export const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

const LOWER = "abcdefghijklmnopqrstuvwxyz";

interface Kind {
  readonly alphabet: string;
  readonly enabled: boolean;
  readonly least: number;
}

function kindsOf(rules: CharacterRules): readonly Kind[] {
  return [
    { alphabet: LOWER, enabled: rules.lower, least: rules.minLower },
    { alphabet: LOWER.toUpperCase(), enabled: rules.upper, least: rules.minUpper },
    { alphabet: "0123456789", enabled: rules.numeric, least: rules.minNumeric },
    { alphabet: rules.overrideSpecial ?? SPECIAL, enabled: rules.special, least: rules.minSpecial },
  ];
}

/** The fewest characters that satisfy the minimums. */
export const leastLength = (rules: CharacterRules): number =>
  kindsOf(rules).reduce((sum, kind) => sum + kind.least, 0);

/** Every character that the rules allow; empty when none is. */
export const alphabetOf = (rules: CharacterRules): string =>
  kindsOf(rules)
    .filter((kind) => kind.enabled)
    .map((kind) => kind.alphabet)
    .join("");

/** `randomInt` rejects what would favour some values, so every character is as likely as any other. */
const pick = (alphabet: string, count: number): string[] =>
  Array.from({ length: count }, () => alphabet.charAt(randomInt(alphabet.length)));

function shuffle(characters: readonly string[]): string {
  const rest = [...characters];
  return characters.map(() => rest.splice(randomInt(rest.length), 1).join("")).join("");
}

/** A string by the rules, from the operating system's randomness. A minimum counts even where its kind is off. */
export function randomText(rules: CharacterRules): string {
  const required = kindsOf(rules).flatMap((kind) => pick(kind.alphabet, kind.least));
  return shuffle([...required, ...pick(alphabetOf(rules), rules.length - required.length)]);
}
