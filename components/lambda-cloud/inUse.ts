import { LambdaCloudError } from "./errors";
import type { Clock } from "./limiter";

export interface DeletionContext {
  readonly clock: Clock;
  readonly pollIntervalMs: number;
}

/** What used it may be gone already and still count for some minutes. */
const IN_USE_TIMEOUT_MS = 15 * 60_000;

/** Refusals that end by themselves, and 409, with which the API answers when it stumbles over a ruleset. */
const IN_USE = new Set([
  "filesystems/filesystem-in-use",
  "firewall-rulesets/firewall-ruleset-in-use",
  "global/internal-error",
]);

/**
 * Deletes what an instance may still hold: what is in use is tried again while its last user goes. An instance that
 * lives does not go by itself, so then there is nothing to wait for.
 *
 * @param users Names of living instances that hold it
 * @throws Error that names the users
 */
export async function deleteWhenFree(
  { clock, pollIntervalMs }: DeletionContext,
  subject: string,
  remove: () => Promise<void>,
  users: () => Promise<readonly string[]>,
): Promise<void> {
  const deadline = clock.now() + IN_USE_TIMEOUT_MS;
  for (;;) {
    try {
      await remove();
      return;
    } catch (error) {
      if (!(error instanceof LambdaCloudError) || !IN_USE.has(error.code) || clock.now() > deadline)
        throw error;
    }
    const names = await users();
    if (names.length > 0) {
      throw new Error(
        `${subject}: it is in use by ${names.join(", ")}; expected no instance to use it. Terminate them, and run the command again.`,
      );
    }
    await clock.sleep(pollIntervalMs);
  }
}
