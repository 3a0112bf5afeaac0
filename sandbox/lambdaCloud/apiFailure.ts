import type { ErrorCode } from "../../components/lambda-cloud/schemas";

/** A refusal in the API's own form; {@link body} is what goes over the wire. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    /** Documented codes, and the ones of the providers behind the API, which are not listed anywhere. */
    readonly code: ErrorCode | "provider/internal-unavailable" | "global/too-many-requests",
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
  }

  body(): object {
    const { code, message, suggestion } = this;
    return { error: { code, message, ...(suggestion === undefined ? {} : { suggestion }) } };
  }
}

const FIX_PARAMETERS = "Retry the request after fixing the request parameters.";
const SUPPORT = "Contact Support if problems continue.";

export const invalid = (message = "Invalid request data."): ApiFailure =>
  new ApiFailure(400, "global/invalid-parameters", message, FIX_PARAMETERS);

/** Something named in the path is not there. */
export const missing = (message = "Specified instance does not exist.", suggestion?: string): ApiFailure =>
  new ApiFailure(404, "global/object-does-not-exist", message, suggestion);

/** Something that a launch refers to is not there: the same code with another status. */
export const missingAtLaunch = (message: string): ApiFailure =>
  new ApiFailure(400, "global/object-does-not-exist", message, FIX_PARAMETERS);

export const notFound = (): ApiFailure =>
  new ApiFailure(404, "global/not-found", "The requested resource was not found.");

export const duplicate = (message: string): ApiFailure => new ApiFailure(400, "global/duplicate", message);

export const quotaExceeded = (): ApiFailure =>
  new ApiFailure(400, "global/quota-exceeded", "Quota exceeded.", "Contact Support to increase your quota.");

export const noCapacity = (): ApiFailure =>
  new ApiFailure(
    400,
    "instance-operations/launch/insufficient-capacity",
    "Not enough capacity to fulfill launch request.",
    "Choose an instance type with more availability, or try again later.",
  );

export const unauthorized = (hasKey = true): ApiFailure =>
  hasKey
    ? new ApiFailure(
        401,
        "global/invalid-api-key",
        "API key was invalid, expired, or deleted.",
        "Check your API key or create a new one, then try again.",
      )
    : new ApiFailure(
        401,
        "global/invalid-api-key",
        "No API key was provided.",
        "Make sure to pass an API key in the AUTHORIZATION header when making requests.",
      );

export const inactive = (): ApiFailure =>
  new ApiFailure(
    403,
    "global/account-inactive",
    "Your account is inactive.",
    `Make sure you have verified your email address and have a valid payment method. ${SUPPORT}`,
  );

export const conflict = (): ApiFailure =>
  new ApiFailure(409, "global/conflict", "The request conflicts with the current state of the resource.");

export const tooManyRequests = (): ApiFailure =>
  new ApiFailure(429, "global/too-many-requests", "Too many requests.");

/** Refusals that faults bring about, by the fault's name. Nothing was done when one of them is answered. */
export const refusals = {
  unauthorized,
  inactive,
  forbidden: () => new ApiFailure(403, "global/forbidden", "You do not have permission to do this."),
  "invalid-address": () =>
    new ApiFailure(
      403,
      "global/invalid-address",
      "Your billing address is invalid.",
      `Make sure your billing address is valid. ${SUPPORT}`,
    ),
  "no-capacity": noCapacity,
  "quota-exceeded": quotaExceeded,
  conflict,
  /** 409, not 500: so it is documented for writes to the firewall. */
  "internal-error": () =>
    new ApiFailure(
      409,
      "global/internal-error",
      "An internal server error occurred.",
      "Try again later. Contact Support if the problem persists.",
    ),
  unavailable: () =>
    new ApiFailure(503, "provider/internal-unavailable", "Provider unavailable", "Try again shortly"),
  "unknown-error": () => new ApiFailure(400, "global/unknown", "An unknown error occurred."),
} as const satisfies Record<string, () => ApiFailure>;

export type Refusal = keyof typeof refusals;
export const refusalKinds = Object.keys(refusals) as Refusal[];
