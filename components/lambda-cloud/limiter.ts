/** Time, as far as this folder needs it; tests drive one by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after that many milliseconds. */
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Least time between two requests, and between two launches, milliseconds. */
export interface Pace {
  readonly requestIntervalMs: number;
  readonly launchIntervalMs: number;
}

/**
 * Spaces requests as the API's limits want it (https://docs.lambda.ai/api/cloud: one request a second, one launch in
 * 12 seconds). Callers are served in order of arrival; a waiting launch does not hold up other requests.
 */
export class Limiter {
  readonly #clock: Clock;
  #nextRequest = 0;
  #nextLaunch = 0;
  #launches: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Resolves when the next request may be sent. */
  async request({ requestIntervalMs }: Pick<Pace, "requestIntervalMs">): Promise<void> {
    const at = Math.max(this.#clock.now(), this.#nextRequest);
    this.#nextRequest = at + requestIntervalMs;
    await this.#sleepUntil(at);
  }

  /** Resolves when the next launch may be sent; a launch is a request too. */
  async launch(pace: Pace): Promise<void> {
    const turn = this.#launches.then(async () => {
      await this.#sleepUntil(this.#nextLaunch);
      await this.request(pace);
      // Counted from when it is sent: requests may have held it up.
      this.#nextLaunch = this.#clock.now() + pace.launchIntervalMs;
    });
    this.#launches = turn;
    await turn;
  }

  async #sleepUntil(at: number): Promise<void> {
    const wait = at - this.#clock.now();
    if (wait > 0) await this.#clock.sleep(wait);
  }
}

const REGISTRY = Symbol.for("sophia-ai.lambda-cloud.limiters");

/**
 * The one limiter of this process for an API. It hangs on `globalThis`, because every kind of dynamic resource loads
 * this module by itself, while the API counts them all together.
 */
export function sharedLimiter(apiUrl: string): Limiter {
  const holder = globalThis as unknown as Record<symbol, Map<string, Limiter> | undefined>;
  const limiters = (holder[REGISTRY] ??= new Map<string, Limiter>());
  const known = limiters.get(apiUrl) ?? new Limiter();
  limiters.set(apiUrl, known);
  return known;
}
