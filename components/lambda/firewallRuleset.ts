import * as pulumi from "@pulumi/pulumi";
import type { FirewallRule } from "../lambda-cloud/rules";
import { firewallRulesetProvider } from "./provider";

/** A {@link FirewallRule} whose source may not be known yet. */
export type FirewallRuleArgs = { readonly [K in keyof FirewallRule]: pulumi.Input<FirewallRule[K]> };

/** Arguments of a {@link FirewallRuleset}. */
export interface FirewallRulesetArgs {
  /** Name in the account, 1 to 64 characters. Changes in place. */
  readonly name: string;
  /** A change replaces, and every instance with it. */
  readonly region: string;
  /** What is let in. Changes in place, for running instances too. */
  readonly rules: readonly FirewallRuleArgs[];
  /** Id of a ruleset that exists already and is taken over instead of making one. @default - make one */
  readonly adopt?: string;
}

/**
 * Firewall rules for instances of one region, given to them at launch
 * (https://docs.lambda.ai/public-cloud/firewalls/). Rules that `FirewallRules` adds to it are left alone.
 */
export class FirewallRuleset extends pulumi.dynamic.Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string>;

  constructor(name: string, args: FirewallRulesetArgs, opts?: pulumi.CustomResourceOptions) {
    const props = { schemaVersion: undefined, ...args };
    super(firewallRulesetProvider, name, props, opts, "lambda", "FirewallRuleset");
  }
}
