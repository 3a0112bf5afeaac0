import fc from "fast-check";
import { parseCpu, parseMemory } from "../../../components/quantity";

test.each<[string, number]>([
  ["0", 0],
  ["500m", 500],
  ["0.5", 500],
  [".5", 500],
  ["5.", 5000],
  ["+2", 2000],
  ["-1", -1000],
  ["2", 2000],
  ["1k", 1_000_000],
  ["2e3", 2_000_000],
  ["2E-3", 2],
  ["0.1m", 1],
  ["100u", 1],
  ["1001u", 2],
  ["1n", 1],
  ["1e-999999999", 1],
])("%s is %d thousandths of a core", (text, expected) => {
  expect(parseCpu(text)).toBe(expected);
});

test.each<[string, number]>([
  ["0", 0],
  ["-0", 0],
  ["128974848", 128974848],
  ["129e6", 129_000_000],
  ["129M", 129_000_000],
  ["123Mi", 123 * 2 ** 20],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["1Ki", 1024],
  ["1Ti", 2 ** 40],
  ["1Pi", 2 ** 50],
  ["1m", 1],
  ["-1500m", -2],
  ["1E", 1e18],
  ["1E3", 1000],
  ["8Ei", 2 ** 63],
  ["1e999999999", 2 ** 63],
])("%s is %d bytes", (text, expected) => {
  expect(parseMemory(text)).toBe(expected);
});

test.each([
  "",
  " ",
  ".",
  "-",
  "m",
  "1 ",
  " 1",
  "1 Gi",
  "1K",
  "1ki",
  "1mi",
  "1gb",
  "1Gib",
  "1mm",
  "0x10",
  "1e",
  "1e1.5",
  "1_000",
  "1,5",
  "--1",
  "1.2.3",
  "NaN",
  "Infinity",
])("%j is not a quantity", (text) => {
  expect(parseCpu(text)).toBeUndefined();
  expect(parseMemory(text)).toBeUndefined();
});

const whole = fc.integer({ min: 0, max: 1_000_000 });

test("millicores and cores agree", () => {
  fc.assert(
    fc.property(whole, (n) => {
      expect(parseCpu(`${n}m`)).toBe(n);
      expect(parseCpu(String(n))).toBe(n * 1000);
      expect(parseCpu((n / 1000).toFixed(3))).toBe(n);
    }),
  );
});

test("each binary suffix is 1024 of the one before, each decimal suffix 1000", () => {
  const step = fc.constantFrom("|Ki|1024", "Ki|Mi|1024", "Mi|Gi|1024", "|k|1000", "k|M|1000", "M|G|1000");
  fc.assert(
    fc.property(whole, step, (n, text) => {
      const [small = "", large = "", factor] = text.split("|");
      expect(parseMemory(`${n}${large}`)).toBe(parseMemory(`${n * Number(factor)}${small}`));
    }),
  );
});

test("a suffix and its exponent mean the same", () => {
  fc.assert(
    fc.property(whole, fc.constantFrom("n-9", "u-6", "m-3", "k3", "M6", "G9", "T12", "P15"), (n, suffix) => {
      const exponent = suffix.slice(1);
      expect(parseMemory(`${n}${suffix.charAt(0)}`)).toBe(parseMemory(`${n}e${exponent}`));
      expect(parseMemory(`${n}${suffix.charAt(0)}`)).toBe(parseMemory(`${n}E${exponent}`));
    }),
  );
});

test("rounding is away from zero and never loses order", () => {
  fc.assert(
    fc.property(whole, whole, (a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)].map((n) => parseCpu(`${n}u`) ?? NaN);
      expect(small).toBeLessThanOrEqual(large ?? NaN);
      expect(parseCpu(`-${a}u`)).toBe(0 - (parseCpu(`${a}u`) ?? NaN));
      expect(parseCpu(`${a}u`)).toBe(Math.ceil(a / 1000));
    }),
  );
});

test("any text gives a number or undefined, at once", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[-+.0-9eEinumkKMGTP]{0,30}$/), (text) => {
      const value = parseMemory(text);
      expect(value === undefined || (Number.isFinite(value) && Math.abs(value) <= 2 ** 63)).toBe(true);
    }),
  );
});
