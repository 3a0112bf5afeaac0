import {
  errorFromAnswer,
  errorWithoutAnswer,
  parseRetryAfter,
} from "../../../components/lambda-cloud/errors";
import { errorStatuses } from "../../../components/lambda-cloud/schemas";

const LAUNCH = "POST /instance-operations/launch";
const body = (code: string) => ({ error: { code, message: "Words.", suggestion: "Do this." } });

test.each(
  Object.entries(errorStatuses).flatMap(([code, all]) => all.map((status) => [code, status] as const)),
)("%s with %d", (code, status) => {
  const doubtful = code === "global/internal-error" || code === "global/conflict";
  expect(errorFromAnswer(LAUNCH, status, body(code))).toMatchObject({
    kind: doubtful ? "ambiguous" : "refused",
    code,
    status,
    message: `Lambda Cloud: ${LAUNCH}: Words [${code}, HTTP ${status}]. Do this.`,
  });
});

test.each([
  [400, body("provider/internal-unavailable"), "ambiguous", "provider/internal-unavailable"],
  [500, body("global/unknown"), "ambiguous", "global/unknown"],
  [502, "<html>Bad gateway</html>", "ambiguous", "unreadable-answer"],
  [403, "error code: 1010", "refused", "client-blocked"],
  [429, "error code: 1015", "rate-limited", "rate-limited"],
  [429, body("global/too-many"), "rate-limited", "global/too-many"],
  [301, "", "ambiguous", "unreadable-answer"],
])("HTTP %d with %j is %s", (status, answer, kind, code) => {
  expect(errorFromAnswer(LAUNCH, status, answer)).toMatchObject({ kind, code });
});

test.each([
  [
    "ECONNREFUSED",
    "unsent",
    `Lambda Cloud: ${LAUNCH}: the API cannot be reached (ECONNREFUSED) [unreachable]. Check the network and LAMBDA_LABS_API_URL.`,
  ],
  [
    "ECONNRESET",
    "ambiguous",
    `Lambda Cloud: ${LAUNCH}: the connection ended without an answer (ECONNRESET) [no-answer].`,
  ],
  [
    undefined,
    "ambiguous",
    `Lambda Cloud: ${LAUNCH}: the connection ended without an answer (unknown cause) [no-answer].`,
  ],
])("no answer: %s", (code, kind, message) => {
  expect(errorWithoutAnswer(LAUNCH, code)).toMatchObject({ kind, message });
});

test("Retry-After is seconds or a date, and at most a minute", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
  expect(parseRetryAfter("7", now)).toBe(7_000);
  expect(parseRetryAfter("3600", now)).toBe(60_000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:20 GMT", now)).toBe(20_000);
  expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect(parseRetryAfter("soon", now)).toBeUndefined();
});
