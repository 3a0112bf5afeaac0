/** Waiting for something to become ready, with the log's last lines if it never does. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemReport } from "../../components/problems";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
const LOG_LINES = 15;

/** How long to wait, and what to show if that was in vain. */
export interface WaitOptions {
  /** The longest wait, milliseconds. */
  readonly deadlineMs: number;
  /** The log whose last lines are shown on failure. @default - none */
  readonly logFile?: string;
  /** What to do about a failure, a sentence without its full stop. @default - look at the log */
  readonly fix?: string;
}

/**
 * Waits until a probe succeeds, asking ever less often. A probe fails by throwing, rejecting or returning false;
 * a URL is probed by a GET that must answer 2xx.
 * @throws ProblemReport at the deadline, with the last failure and the log's last lines
 */
export async function waitFor(
  what: string,
  probe: string | (() => boolean | Promise<boolean>),
  { deadlineMs, logFile, fix }: WaitOptions,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  const ask = typeof probe === "string" ? () => answers(probe) : probe;
  let pauseMs = FIRST_PAUSE_MS;
  let failure = "";
  for (;;) {
    try {
      if (await ask()) return;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() + pauseMs > deadline) break;
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
  const reason = failure === "" ? "" : `: ${failure}`;
  const lines = logFile === undefined ? [] : lastLines(logFile);
  throw new ProblemReport(what, [
    {
      path: what,
      what: `not ready after ${Math.round(deadlineMs / 1000)} s${reason}`,
      fix: fix ?? (logFile === undefined ? "Try again" : `Look at ${logFile}`),
    },
    ...lines.map((line) => ({ path: "log", what: line })),
  ]);
}

async function answers(url: string): Promise<boolean> {
  const reply = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await reply.body?.cancel();
  return reply.ok;
}

/** The last lines of a log; none if there is no such file. */
export function lastLines(file: string, count: number = LOG_LINES): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-count);
}
