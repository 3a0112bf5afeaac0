import type { LambdaContext } from "./context";
import { LambdaCloudError } from "./errors";
import { isAlive, type Instance } from "./schemas";

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
 * @param holds Whether an instance holds it
 * @throws Error that names those that live and hold it
 */
export async function deleteWhenFree(
  { client, clock, settings }: LambdaContext<"listInstances">,
  subject: string,
  remove: () => Promise<void>,
  holds: (instance: Instance) => boolean,
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
    const users = (await client.listInstances()).filter((instance) => isAlive(instance) && holds(instance));
    if (users.length > 0) {
      throw new Error(
        `${subject}: it is in use by ${users.map(({ id, name }) => name ?? id).join(", ")}; expected no instance to use it. Terminate them, and run the command again.`,
      );
    }
    await clock.sleep(settings.pollIntervalMs);
  }
}
