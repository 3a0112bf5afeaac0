/**
 * Kubernetes quantities, exactly as the API server reads them
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). Computed in whole numbers,
 * because `0.1 + 0.2` must not decide whether a request is over its limit.
 */

const GRAMMAR = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE])|([KMGTPE]i)|[eE]([+-]?\d+))?$/;

const DECIMAL_POWERS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_PREFIXES = "KMGTPE";

/** The API server caps every quantity at this magnitude. */
const MAX_UNITS = 2n ** 63n - 1n;

/**
 * Reads a quantity as a multiple of `10^-decimals`, rounded away from zero as Kubernetes does.
 * Returns `undefined` when the text is not a quantity.
 */
function parse(text: string, decimals: number): number | undefined {
  const [, sign, number = "", decimal, binary, exponent] = GRAMMAR.exec(text) ?? [];
  if (number === "") return undefined;
  const [whole = "", fraction = ""] = number.split(".");
  // Beyond this range the result is the cap or the smallest step anyway; the bound keeps `1e999999999` cheap.
  const range = text.length + 40;
  const wanted = exponent === undefined ? (DECIMAL_POWERS[decimal ?? ""] ?? 0) : Number(exponent);
  const power = Math.min(Math.max(wanted, -range), range) + decimals - fraction.length;
  const factor = binary === undefined ? 1n : 1024n ** BigInt(BINARY_PREFIXES.indexOf(binary.charAt(0)) + 1);
  const numerator = BigInt(whole + fraction) * factor * 10n ** BigInt(Math.max(power, 0));
  const denominator = 10n ** BigInt(Math.max(-power, 0));
  const units = (numerator + denominator - 1n) / denominator;
  const cap = MAX_UNITS * 10n ** BigInt(decimals);
  const magnitude = Number(units > cap ? cap : units);
  return sign === "-" && magnitude !== 0 ? -magnitude : magnitude;
}

/**
 * Reads a CPU quantity such as `500m`, `2` or `0.5`.
 *
 * @returns Thousandths of a core, rounded up; `undefined` when the text is not a quantity
 */
export function parseCpu(text: string): number | undefined {
  return parse(text, 3);
}

/**
 * Reads a memory quantity such as `256Mi`, `1G` or `1e9`.
 *
 * @returns Bytes, rounded up (exact up to 2^53); `undefined` when the text is not a quantity
 */
export function parseMemory(text: string): number | undefined {
  return parse(text, 0);
}
