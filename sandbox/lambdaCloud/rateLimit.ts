import type { VirtualClock } from "./clock";

/** Lets through so many requests at once, and so many a second from then on. */
export class TokenBucket {
  private tokens: number;
  private at: number;

  constructor(
    private readonly clock: VirtualClock,
    private readonly size: number,
    private readonly secondsPerToken: number,
  ) {
    this.tokens = size;
    this.at = clock.now();
  }

  /** Takes a token; false when there is none. */
  take(): boolean {
    const now = this.clock.now();
    this.tokens = Math.min(this.size, this.tokens + (now - this.at) / 1000 / this.secondsPerToken);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
