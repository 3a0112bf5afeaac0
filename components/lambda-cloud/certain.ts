import type { Waiting } from "./context";
import { LambdaCloudError } from "./errors";

/** Creates something that the API gives no way to create once. */
export interface Creation<T> {
  /** What it is, for messages: `gpu-1`, `file system models`. */
  readonly subject: string;
  readonly create: () => Promise<T | undefined>;
  /** Looks for what an earlier call of `create` made. */
  readonly find: () => Promise<T | undefined>;
}

const isAmbiguous = (error: unknown): boolean =>
  error instanceof LambdaCloudError && error.kind === "ambiguous";

/**
 * Sends the request, and makes sure of its outcome: when that is unclear, what it makes is looked for until
 * `settleMs` is over; only then, and only if the list could be read, the request is sent once more.
 *
 * @throws What `create` throws when nothing was made; Error when the outcome stays unclear
 */
export async function certain<T>(waiting: Waiting, creation: Creation<T>): Promise<T> {
  const { subject, create, find } = creation;
  for (let attempt = 1; attempt <= 2; attempt++) {
    const made = await create().catch(async (error: unknown) => {
      if (isAmbiguous(error)) return undefined;
      // A second request may be refused on account of what the first one made after all.
      const found = attempt > 1 ? await find() : undefined;
      if (found === undefined) throw error;
      return found;
    });
    const found = made ?? (await settle(waiting, subject, find));
    if (found !== undefined) return found;
  }
  throw new Error(
    `${subject}: it is not known whether its creation succeeded; nothing of this name has appeared. Look for it in the Lambda Cloud console, then run the command again: it takes over what has this name.`,
  );
}

/** Looks for something after a request whose outcome is unclear. A list that cannot be read decides nothing. */
async function settle<T>(
  { clock, settings: { settleMs, pollIntervalMs } }: Waiting,
  subject: string,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = clock.now() + settleMs;
  for (;;) {
    const answer = await find().then(
      (found) => ({ found }),
      (error: unknown) => ({ error }),
    );
    if ("found" in answer && answer.found !== undefined) return answer.found;
    if (clock.now() >= deadline) {
      if ("found" in answer) return undefined;
      const why = answer.error instanceof Error ? answer.error.message : String(answer.error);
      throw new Error(
        `${subject}: it is not known whether its creation succeeded, and the list cannot be read (${why}). Run the command again: it takes over what has this name.`,
      );
    }
    await clock.sleep(pollIntervalMs);
  }
}
