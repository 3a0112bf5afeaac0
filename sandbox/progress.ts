/** Progress on the terminal: one line when a step starts, a heartbeat while it lasts, one line when it ends. */

const HEARTBEAT_MS = 10_000;

/** Seconds with one decimal below a minute, else minutes and seconds: `4.2 s`, `2 m 05 s`. */
export function formatElapsed(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
}

/** Where progress goes; tests pass a collector. @default stderr, so that stdout stays machine-readable */
export type ProgressSink = (line: string) => void;

export const toStderr: ProgressSink = (line) => process.stderr.write(`${line}\n`);

/**
 * Runs one step and reports it. The first line comes at once, a heartbeat every 10 s, the last line with the
 * elapsed time.
 */
export async function step<T>(
  title: string,
  run: (detail: (text: string) => void) => Promise<T>,
  sink: ProgressSink = toStderr,
): Promise<T> {
  const started = Date.now();
  let detail = "";
  const elapsed = (): string => formatElapsed(Date.now() - started);
  const suffix = (): string => (detail === "" ? "" : `: ${detail}`);
  sink(`  ${title} …`);
  const heartbeat = setInterval(() => {
    sink(`  ${title}${suffix()} … ${elapsed()}`);
  }, HEARTBEAT_MS);
  try {
    const result = await run((text) => (detail = text));
    sink(`✓ ${title}${suffix()} (${elapsed()})`);
    return result;
  } catch (error) {
    sink(`✗ ${title} (${elapsed()})`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}
