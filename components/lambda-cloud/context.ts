import type { LambdaCloudClient } from "./client";
import type { Clock } from "./limiter";
import type { LambdaSettings } from "./settings";

/** What waiting needs: how often to look, how long, and time itself. */
export interface Waiting {
  readonly settings: Pick<LambdaSettings, "pollIntervalMs" | "bootTimeoutMs" | "settleMs">;
  readonly clock: Clock;
}

/** What handlers work with: as many of the client's methods as they need. */
export interface LambdaContext<Methods extends keyof LambdaCloudClient> extends Waiting {
  readonly client: Pick<LambdaCloudClient, Methods>;
}
