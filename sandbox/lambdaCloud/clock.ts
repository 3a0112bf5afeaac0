/** Time in the simulated cloud: milliseconds since its beginning. */
export interface VirtualClock {
  now(): number;
  /** Runs something once, when that moment has come. @returns What takes it back */
  at(moment: number, run: () => void): () => void;
}

/** A moment in both times: of the real clock (milliseconds since the epoch) and of the virtual one. */
export interface Origin {
  readonly real: number;
  readonly virtual: number;
}

/** The longest wait that `setTimeout` takes, milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** Runs a number of times faster than the real clock. It went on while no one looked: a restart misses nothing. */
export class ScaledClock implements VirtualClock {
  readonly #scale: number;
  /** The virtual time at the zero of `performance.now()`, which no one can set back. */
  readonly #zero: number;

  constructor(scale: number, origin: Origin) {
    this.#scale = scale;
    const sinceOrigin = Math.max(0, Date.now() - origin.real);
    this.#zero = origin.virtual + (sinceOrigin - performance.now()) * scale;
  }

  now(): number {
    return Math.floor(this.#zero + performance.now() * this.#scale);
  }

  at(moment: number, run: () => void): () => void {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const wait = Math.max(0, Math.ceil((moment - this.now()) / this.#scale));
      timer = setTimeout(
        () => {
          // Timers may come early, and the longest one is not long enough for everyone.
          if (this.now() >= moment) run();
          else arm();
        },
        Math.min(wait, LONGEST_WAIT),
      );
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  }
}

/** Stands still until it is told to move; for tests. */
export class ManualClock implements VirtualClock {
  #now = 0;
  readonly #timers = new Set<{ readonly moment: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  at(moment: number, run: () => void): () => void {
    const timer = { moment, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Goes forward, and stops at every timer on the way as often as there is one. */
  advance(seconds: number): void {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.moment - b.moment);
      if (next === undefined || next.moment > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.moment);
      next.run();
    }
    this.#now = end;
  }
}
