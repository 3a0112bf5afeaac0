import type { LambdaContext } from "./context";
import { LambdaCloudError } from "./errors";
import { isUnknown, type CheckFailure, type DiffResult, type Handlers } from "./handlers";
import { checkRules, fromWire, marked, sameRules, toWire, unmarked, type FirewallRule } from "./rules";

export interface FirewallRulesInputs {
  /** Id of a ruleset, or `global` for the rules of every instance of the workspace. */
  readonly ruleset: string;
  /** Whose rules these are; two resources on one ruleset have different ones. */
  readonly owner: string;
  readonly rules: readonly FirewallRule[];
  readonly __provider?: unknown;
}

export interface FirewallRulesOutputs extends FirewallRulesInputs {
  readonly schemaVersion: 1;
}

type Context = LambdaContext<"getFirewallRules" | "updateFirewallRuleset">;

/** Writers who know nothing of each other overwrite each other: what was written is read again, so many times. */
const ATTEMPTS = 5;

/**
 * The lifecycle of some rules in a ruleset that others use too. The API only knows whole lists, so these rules carry
 * their owner's mark: those of others are never taken away, and what a run that was cut off wrote is found again.
 */
export class FirewallRulesHandlers implements Handlers<FirewallRulesInputs, FirewallRulesOutputs> {
  readonly #context: Context;
  /** Of this run, so that a replacement's predecessor does not take away what the replacement has written. */
  readonly #written = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
  }

  check(_olds: unknown, news: FirewallRulesInputs) {
    const failures: CheckFailure[] = [];
    if (!isUnknown(news.owner) && !/^[^[\]]{1,60}$/.test(news.owner)) {
      failures.push({
        property: "owner",
        reason: "The owner must have 1 to 60 characters, no square brackets among them.",
      });
    }
    failures.push(...checkRules(news.rules, isUnknown(news.owner) ? undefined : news.owner));
    return Promise.resolve({ inputs: news, failures });
  }

  diff(_id: string, olds: FirewallRulesOutputs, news: FirewallRulesInputs): Promise<DiffResult> {
    const replaces = (["ruleset", "owner"] as const).filter((key) => olds[key] !== news[key]);
    const changes = replaces.length > 0 || isUnknown(news.rules) || !sameRules(olds.rules, news.rules);
    return Promise.resolve({ changes, replaces, deleteBeforeReplace: false });
  }

  async create(inputs: FirewallRulesInputs): Promise<{ id: string; outs: FirewallRulesOutputs }> {
    await this.#write(inputs, inputs.rules);
    const id = `${inputs.ruleset}/${inputs.owner}`;
    this.#written.add(id);
    return { id, outs: { ...inputs, schemaVersion: 1 } };
  }

  async read(id: string, props: FirewallRulesOutputs): Promise<{ id: string; props: FirewallRulesOutputs }> {
    const rules = (await this.#context.client.getFirewallRules(props.ruleset))?.map(fromWire);
    if (rules === undefined) return { id: "", props };
    const ours = rules.flatMap((rule) => unmarked(rule, props.owner) ?? []);
    // Nothing left of some is gone; the same in another order is no drift.
    if (ours.length === 0 && props.rules.length > 0) return { id: "", props };
    return { id, props: { ...props, rules: sameRules(ours, props.rules) ? props.rules : ours } };
  }

  async update(_id: string, _olds: FirewallRulesOutputs, news: FirewallRulesInputs) {
    await this.#write(news, news.rules);
    return { outs: { ...news, schemaVersion: 1 as const } };
  }

  async delete(id: string, props: FirewallRulesOutputs): Promise<void> {
    if (!this.#written.has(id)) await this.#write(props, [], { mayBeGone: true });
  }

  /** Makes the owner's rules just these, and leaves all others as they are. */
  async #write(
    { ruleset, owner }: Pick<FirewallRulesInputs, "ruleset" | "owner">,
    wanted: readonly FirewallRule[],
    { mayBeGone = false } = {},
  ): Promise<void> {
    const { client, clock, settings } = this.#context;
    let unclear: LambdaCloudError | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > 2) await clock.sleep(settings.pollIntervalMs);
      const present = (await client.getFirewallRules(ruleset))?.map(fromWire);
      if (present === undefined && mayBeGone) return;
      if (present === undefined)
        throw new Error(`firewall rules of ${owner}: there is no ruleset ${ruleset}.`);
      const ours = wanted.map((rule) => marked(rule, owner));
      const isOurs = (rule: FirewallRule): boolean => unmarked(rule, owner) !== undefined;
      if (sameRules(present.filter(isOurs), ours)) return;
      const rules = [...present.filter((rule) => !isOurs(rule)), ...ours];
      try {
        await client.updateFirewallRuleset(ruleset, { rules: rules.map(toWire) });
      } catch (error) {
        if (!(error instanceof LambdaCloudError) || error.kind !== "ambiguous") throw error;
        unclear = error;
      }
    }
    throw (
      unclear ??
      new Error(
        `firewall rules of ${owner}: somebody else keeps overwriting the ruleset ${ruleset}. Let one of them finish, and run the command again.`,
      )
    );
  }
}
