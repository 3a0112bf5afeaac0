/** The simulated cloud's time, in milliseconds since an arbitrary beginning. */
export interface VirtualClock {
  now(): number;
}

/** Runs a number of times faster than the real clock. It goes on while nobody looks: a restart misses nothing. */
export class ScaledClock implements VirtualClock {
  /** @param origin A moment in both times, kept with the cloud's state */
  constructor(
    private readonly scale: number,
    readonly origin: { readonly real: number; readonly virtual: number },
  ) {}

  now(): number {
    return this.origin.virtual + (Date.now() - this.origin.real) * this.scale;
  }
}

/** Stands still until it is told to move; for tests. */
export class ManualClock implements VirtualClock {
  private time = 0;

  now(): number {
    return this.time;
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}
