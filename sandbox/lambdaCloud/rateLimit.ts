import type { VirtualClock } from "./clock";

/** How much an account may ask for, in virtual time (https://docs.lambda.ai/api/cloud, "Rate limiting"). */
export interface Limit {
  readonly secondsPerRequest: number;
  /**
   * Requests that may come at once. A fraction above 1 forgives one that comes early by that part of the interval:
   * a paced client's timers are exact to a real millisecond, which is many virtual ones.
   */
  readonly burst: number;
}

/** Of all requests. The API's own burst is not documented; this one is ours. */
export const REQUEST_LIMIT: Limit = { secondsPerRequest: 1, burst: 5 };
/** Of launches, on top. */
export const LAUNCH_LIMIT: Limit = { secondsPerRequest: 12, burst: 1.1 };

/** A token bucket: starts full, refills steadily. */
export class TokenBucket {
  #tokens: number;
  #at: number;

  constructor(
    private readonly clock: VirtualClock,
    private readonly limit: Limit,
  ) {
    this.#tokens = limit.burst;
    this.#at = clock.now();
  }

  /** Takes a token; false when there is none. */
  take(): boolean {
    const now = this.clock.now();
    const refill = (now - this.#at) / 1000 / this.limit.secondsPerRequest;
    this.#tokens = Math.min(this.limit.burst, this.#tokens + refill);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
