import { z } from "zod";
import { LambdaCloudClient } from "./client";
import { sharedLimiter } from "./limiter";

/** The part of the stack's `lambda` section that is needed at run time; its defaults stand in stacks/config.ts. */
const lambdaSettings = z.object({
  apiUrl: z.string().default("https://cloud.lambda.ai/api/v1"),
  requestIntervalMs: z.number().default(1_000),
  launchIntervalMs: z.number().default(12_000),
  pollIntervalMs: z.number().default(5_000),
  bootTimeoutMs: z.number().optional(),
  settleMs: z.number().default(180_000),
});

export type LambdaSettings = Readonly<z.infer<typeof lambdaSettings>>;

/** Reads one setting of the stack, without the project's prefix; structured values are JSON. */
export interface SettingsSource {
  get(key: string): string | undefined;
}

/**
 * The settings as they are now: `LAMBDA_LABS_API_URL` in the environment before the stack's configuration, because
 * refresh and destroy are given the configuration of the last update (docs/adr/0003-lambda-key-at-run-time.md).
 */
export function lambdaSettingsOf(
  source: SettingsSource,
  env: NodeJS.ProcessEnv = process.env,
): LambdaSettings {
  const settings = lambdaSettings.parse(JSON.parse(source.get("lambda") ?? "{}"));
  return { ...settings, apiUrl: env.LAMBDA_LABS_API_URL || settings.apiUrl };
}

/** A client with the key that is valid now; undefined when there is none. */
export function clientFromEnvironment(
  source: SettingsSource,
  env: NodeJS.ProcessEnv = process.env,
): LambdaCloudClient | undefined {
  const apiKey = env.LAMBDA_LABS_API_KEY || source.get("lambdaApiKey");
  if (!apiKey) return undefined;
  const settings = lambdaSettingsOf(source, env);
  return new LambdaCloudClient({ ...settings, apiKey, limiter: sharedLimiter(settings.apiUrl) });
}
