import { z } from "zod";
import { LambdaCloudClient } from "./client";
import { sharedLimiter } from "./limiter";

const milliseconds = z.int().min(0);

/** The `lambda` section of a stack's configuration. */
export const lambdaSection = z
  .strictObject({
    apiUrl: z
      .url()
      .default("https://cloud.lambda.ai/api/v1")
      .describe("Base URL of the Lambda Cloud API. LAMBDA_LABS_API_URL in the environment wins."),
    requestIntervalMs: milliseconds
      .default(1_000)
      .describe("Least time between two API requests, milliseconds (the API's limit is 1 a second)."),
    launchIntervalMs: milliseconds
      .default(12_000)
      .describe("Least time between two launches, milliseconds (the API's limit is 1 in 12 seconds)."),
    pollIntervalMs: milliseconds
      .default(5_000)
      .describe("Time between two looks at a booting or terminating instance, milliseconds."),
    bootTimeoutMs: milliseconds
      .optional()
      .describe(
        "How long an instance may take to become active, milliseconds. Default: 20 minutes up to one GPU, 40 minutes above.",
      ),
    settleMs: milliseconds
      .default(180_000)
      .describe(
        "How long the outcome of an ambiguous launch is looked for before it is decided, milliseconds.",
      ),
  })
  .describe("Lambda Cloud API access and pacing.");

/** The section with every default filled in. */
export type LambdaSettings = Readonly<z.output<typeof lambdaSection>>;

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
  const settings = lambdaSection.strip().parse(JSON.parse(source.get("lambda") ?? "{}"));
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
