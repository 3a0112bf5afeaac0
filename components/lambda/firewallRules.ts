import * as pulumi from "@pulumi/pulumi";
import type { FirewallRuleArgs } from "./firewallRuleset";
import { firewallRulesProvider } from "./provider";

/** Arguments of {@link FirewallRules}. */
export interface FirewallRulesArgs {
  /** Id of a ruleset, or `global` for the rules of every instance of the workspace. A change replaces. */
  readonly ruleset: pulumi.Input<string>;
  /** Whose rules these are, at the end of their description; at most 60 characters. A change replaces. */
  readonly owner: string;
  /** What is let in. Changes in place. */
  readonly rules: pulumi.Input<pulumi.Input<FirewallRuleArgs>[]>;
}

/**
 * Some rules in a ruleset that others use too: the global one, or one whose rules need addresses that are known only
 * when its instances run (https://docs.lambda.ai/public-cloud/firewalls/). They are merged in; those of others stay.
 */
export class FirewallRules extends pulumi.dynamic.Resource {
  declare readonly ruleset: pulumi.Output<string>;

  constructor(name: string, args: FirewallRulesArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      firewallRulesProvider,
      name,
      { schemaVersion: undefined, ...args },
      opts,
      "lambda",
      "FirewallRules",
    );
  }
}
