import { formatProblem } from "../problems";
import type { LambdaCloudClient } from "./client";
import { FileSystemHandlers } from "./fileSystem";
import { FirewallRulesHandlers } from "./firewallRules";
import { FirewallRulesetHandlers } from "./firewallRuleset";
import { InstanceHandlers } from "./instance";
import { systemClock } from "./limiter";
import {
  clientFromEnvironment,
  lambdaSettingsOf,
  type LambdaSettings,
  type SettingsSource,
} from "./settings";
import { SshKeyHandlers } from "./sshKey";

/** The handlers of every kind of Lambda Cloud resource. */
export interface LambdaCloudHandlers {
  readonly instance: InstanceHandlers;
  readonly sshKey: SshKeyHandlers;
  readonly fileSystem: FileSystemHandlers;
  readonly firewallRuleset: FirewallRulesetHandlers;
  readonly firewallRules: FirewallRulesHandlers;
}

/** The settings, and a client that is made at its first use: a missing key is an error only where the API is needed. */
class Context {
  readonly settings: LambdaSettings;
  readonly clock = systemClock;
  readonly #source: SettingsSource;
  #client: LambdaCloudClient | undefined;

  constructor(source: SettingsSource) {
    this.#source = source;
    this.settings = lambdaSettingsOf(source);
  }

  get client(): LambdaCloudClient {
    this.#client ??= clientFromEnvironment(this.#source);
    if (this.#client !== undefined) return this.#client;
    throw new Error(
      formatProblem({
        path: "lambdaApiKey",
        what: "there is no Lambda Cloud API key",
        expected: "LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey",
        fix: "Set it with: pulumi config set --secret lambdaApiKey",
      }),
    );
  }
}

/** What the dynamic providers call. Synchronous, because the engine calls methods before an async set-up would end. */
export function makeHandlers(source: SettingsSource): LambdaCloudHandlers {
  const context = new Context(source);
  return {
    instance: new InstanceHandlers(context),
    sshKey: new SshKeyHandlers(context),
    fileSystem: new FileSystemHandlers(context),
    firewallRuleset: new FirewallRulesetHandlers(context),
    firewallRules: new FirewallRulesHandlers(context),
  };
}
