import { formatProblem } from "../problems";
import type { LambdaCloudClient } from "./client";
import { InstanceHandlers } from "./instance";
import { clientFromEnvironment, lambdaSettingsOf, type SettingsSource } from "./settings";
import { SshKeyHandlers } from "./sshKey";

/** The handlers of every kind of Lambda Cloud resource. */
export interface LambdaCloudHandlers {
  readonly instance: InstanceHandlers;
  readonly sshKey: SshKeyHandlers;
}

/** A client that is made at its first use, so that a missing key is an error only where the API is needed. */
function lazyClient(source: SettingsSource): LambdaCloudClient {
  let client: LambdaCloudClient | undefined;
  const get = (): LambdaCloudClient => {
    client ??= clientFromEnvironment(source);
    if (client !== undefined) return client;
    throw new Error(
      formatProblem({
        path: "lambdaApiKey",
        what: "there is no Lambda Cloud API key",
        expected: "LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey",
        fix: "Set it with: pulumi config set --secret lambdaApiKey",
      }),
    );
  };
  return new Proxy({} as LambdaCloudClient, {
    get: (_target, method: keyof LambdaCloudClient) => {
      const real = get();
      return real[method].bind(real);
    },
  });
}

/** What the dynamic providers call. Synchronous, because the engine calls methods before an async set-up would end. */
export function makeHandlers(source: SettingsSource): LambdaCloudHandlers {
  const client = lazyClient(source);
  return {
    instance: new InstanceHandlers({ client, settings: lambdaSettingsOf(source) }),
    sshKey: new SshKeyHandlers({ client }),
  };
}
