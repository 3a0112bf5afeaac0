import * as fc from "fast-check";
import {
  containsSecret,
  containsUnknown,
  redactor,
  secret,
  unwrap,
  unwrapAll,
} from "../../../sandbox/plugins/propertyValues";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

test("unwrap undoes secret, at any depth, and leaves everything else as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      const marked = secret({ list: [secret(value), other] });
      expect(unwrap(marked)).toEqual({ list: [value, other] });
      expect(containsSecret({ a: [marked] })).toBe(true);
      expect(containsSecret(unwrap(marked))).toBe(false);
    }),
  );
});

test("unwrapAll leaves out what is not given", () => {
  expect(unwrapAll({ a: null, b: undefined, c: secret("x"), d: false })).toEqual({ c: "x", d: false });
});

test("unknown values are found inside secrets and lists", () => {
  expect(containsUnknown({ a: secret([UNKNOWN]) })).toBe(true);
  expect(containsUnknown({ a: secret(["known"]) })).toBe(false);
});

test("a redactor hides every line of every secret, the longest first, and keeps short words", () => {
  const redact = redactor({
    key: secret("first-secret-line\nsecond-secret-line"),
    nested: { longer: secret("first-secret-line-and-more"), short: secret("yes") },
    open: "first-open",
  });
  expect(redact("yes first-open first-secret-line-and-more|first-secret-line|second-secret-line")).toBe(
    "yes first-open [secret]|[secret]|[secret]",
  );
});
