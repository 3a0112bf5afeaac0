import { formatProblem } from "../problems";
import { errorReplySchema } from "./schemas";

/**
 * What an error says about the request that it answers.
 * - `refused`: the API looked at it and did nothing. Sending it again is of no use until something changes.
 * - `rate-limited`: it was turned away unseen; nothing was done. Send it again later.
 * - `unsent`: it never reached the API.
 * - `ambiguous`: it may or may not have been carried out.
 */
export type ErrorKind = "refused" | "rate-limited" | "unsent" | "ambiguous";

export interface LambdaCloudErrorFacts {
  readonly kind: ErrorKind;
  /** Method and route, such as `POST /instance-operations/launch`. */
  readonly request: string;
  /** The API's error code, or one of ours: `no-answer`, `unreachable`, `unreadable-answer`, `rate-limited`. */
  readonly code: string;
  readonly status?: number | undefined;
  /** The API's own words. */
  readonly message: string;
  readonly suggestion?: string | undefined;
  /** How long the API asks to wait, milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** An answer from Lambda Cloud that is not the one hoped for. Never holds a key, user data or a token. */
export class LambdaCloudError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor({ kind, request, code, status, message, suggestion, retryAfterMs }: LambdaCloudErrorFacts) {
    const what = `${message.replace(/\.$/, "")} [${code}${status === undefined ? "" : `, HTTP ${status}`}]`;
    super(
      formatProblem({
        path: `Lambda Cloud: ${request}`,
        what,
        ...(suggestion ? { fix: suggestion.replace(/\.$/, "") } : {}),
      }),
    );
    this.name = "LambdaCloudError";
    this.kind = kind;
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const RETRY_AFTER_CAP_MS = 60_000;

/** `Retry-After` in seconds or as a date, in milliseconds from now, at most a minute. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_CAP_MS);
}

/** Codes under which the API changes nothing, whatever the HTTP status. */
const isRefusal = (code: string, status: number): boolean =>
  status >= 400 &&
  status < 500 &&
  status !== 409 &&
  code !== "global/internal-error" &&
  !code.startsWith("provider/");

/** Reads an HTTP answer outside 2xx. */
export function errorFromAnswer(
  request: string,
  status: number,
  body: unknown,
  retryAfter?: string,
): LambdaCloudError {
  const reply = errorReplySchema.safeParse(body);
  const text = typeof body === "string" ? body : "";
  if (status === 429 || /error code: 1015/.test(text)) {
    return new LambdaCloudError({
      kind: "rate-limited",
      request,
      status,
      code: reply.data?.error.code ?? "rate-limited",
      message: reply.data?.error.message ?? "too many requests",
      retryAfterMs: parseRetryAfter(retryAfter, Date.now()),
    });
  }
  if (!reply.success) {
    const blocked = status === 403 && /error code: 1010/.test(text);
    return new LambdaCloudError({
      kind: blocked ? "refused" : "ambiguous",
      request,
      status,
      code: blocked ? "client-blocked" : "unreadable-answer",
      message: blocked
        ? "the API's front door turned this client away"
        : "the answer is not one of the API's",
    });
  }
  const { code, message, suggestion } = reply.data.error;
  const kind = isRefusal(code, status) ? "refused" : "ambiguous";
  return new LambdaCloudError({ kind, request, status, code, message, suggestion: suggestion ?? undefined });
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"]);

/** Reads a failure without an answer, by Node's error code. */
export function errorWithoutAnswer(request: string, nodeCode: string | undefined): LambdaCloudError {
  const unsent = nodeCode !== undefined && NEVER_SENT.has(nodeCode);
  return new LambdaCloudError({
    kind: unsent ? "unsent" : "ambiguous",
    request,
    code: unsent ? "unreachable" : "no-answer",
    message: `${unsent ? "the API cannot be reached" : "the connection ended without an answer"} (${nodeCode ?? "unknown cause"})`,
    ...(unsent ? { suggestion: "Check the network and LAMBDA_LABS_API_URL" } : {}),
  });
}
