/** A refusal in the API's own form, with the documented default texts. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
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

const SUPPORT = "Contact Support to increase your quota.";

export const invalid = (message = "Invalid request data."): ApiFailure =>
  new ApiFailure(
    400,
    "global/invalid-parameters",
    message,
    "Retry the request after fixing the request parameters.",
  );
export const missing = (message = "Specified instance does not exist.", status = 404): ApiFailure =>
  new ApiFailure(status, "global/object-does-not-exist", message);
export const notFound = (): ApiFailure =>
  new ApiFailure(404, "global/not-found", "The requested resource was not found.");
export const quotaExceeded = (): ApiFailure =>
  new ApiFailure(400, "global/quota-exceeded", "Quota exceeded.", SUPPORT);
export const duplicate = (message: string): ApiFailure => new ApiFailure(400, "global/duplicate", message);
export const noCapacity = (): ApiFailure =>
  new ApiFailure(
    400,
    "instance-operations/launch/insufficient-capacity",
    "Not enough capacity to fulfill launch request.",
    "Choose an instance type with more availability, or try again later.",
  );
export const unauthorized = (hasKey: boolean): ApiFailure =>
  hasKey
    ? new ApiFailure(
        401,
        "global/invalid-api-key",
        "API key was invalid, expired, or deleted.",
        "Check your API key or create a new one, then try again.",
      )
    : new ApiFailure(401, "global/invalid-api-key", "No API key was provided.");
export const inactive = (): ApiFailure =>
  new ApiFailure(
    403,
    "global/account-inactive",
    "Your account is inactive.",
    "Make sure you have verified your email address and have a valid payment method. Contact Support if problems continue.",
  );
export const unavailable = (): ApiFailure =>
  new ApiFailure(503, "provider/internal-unavailable", "Provider unavailable", "Try again shortly");
export const internalError = (): ApiFailure =>
  new ApiFailure(
    409,
    "global/internal-error",
    "An internal server error occurred.",
    "Try again later. Contact Support if the problem persists.",
  );
