import { Adoption, type Adoptable } from "./adoption";
import { certain } from "./certain";
import type { LambdaContext } from "./context";
import { isUnknown, type CheckFailure, type DiffResult, type Handlers } from "./handlers";
import { deleteWhenFree } from "./inUse";
import { checkRules, fromWire, isMarked, sameRules, toWire, type FirewallRule } from "./rules";
import { MAX_NAME_LENGTH, type FirewallRuleset } from "./schemas";

export interface FirewallRulesetInputs extends Adoptable {
  readonly region: string;
  readonly rules: readonly FirewallRule[];
  readonly __provider?: unknown;
}

export interface FirewallRulesetOutputs extends FirewallRulesetInputs {
  readonly schemaVersion: 1;
}

type Context = LambdaContext<
  | "listFirewallRulesets"
  | "createFirewallRuleset"
  | "updateFirewallRuleset"
  | "deleteFirewallRuleset"
  | "listInstances"
>;

/** Rules that nobody else has marked as theirs. */
const ownRules = ({ rules }: Pick<FirewallRuleset, "rules">): FirewallRule[] =>
  rules.map(fromWire).filter((rule) => !isMarked(rule));

function adoptionObstacle(found: FirewallRuleset | undefined, { region }: FirewallRulesetInputs) {
  if (found === undefined) return "There is no firewall ruleset of this id.";
  if (!isUnknown(region) && found.region.name !== region)
    return `The firewall ruleset is in ${found.region.name}; expected ${region}.`;
  return undefined;
}

/**
 * The lifecycle of a firewall ruleset of one region. Name and rules change in place, at once for every instance that
 * was launched with it. Rules that others have put into it ({@link FirewallRulesHandlers}) stay.
 */
export class FirewallRulesetHandlers implements Handlers<FirewallRulesetInputs, FirewallRulesetOutputs> {
  readonly #context: Context;
  readonly #adoption: Adoption<FirewallRuleset, FirewallRulesetInputs>;

  constructor(context: Context) {
    this.#context = context;
    this.#adoption = new Adoption((id) => this.#find((known) => known.id === id), adoptionObstacle);
  }

  check(olds: Partial<FirewallRulesetInputs> | undefined, news: FirewallRulesetInputs) {
    const failures: CheckFailure[] = checkRules(news.rules);
    if (!isUnknown(news.name) && (news.name.length < 1 || news.name.length > MAX_NAME_LENGTH))
      failures.push({ property: "name", reason: `The name must have 1 to ${MAX_NAME_LENGTH} characters.` });
    return this.#adoption.check(olds, news, failures);
  }

  diff(_id: string, olds: FirewallRulesetOutputs, news: FirewallRulesetInputs): Promise<DiffResult> {
    const moves = olds.region !== news.region;
    const changes =
      moves || olds.name !== news.name || isUnknown(news.rules) || !sameRules(olds.rules, news.rules);
    return Promise.resolve({ changes, replaces: moves ? ["region"] : [], deleteBeforeReplace: false });
  }

  /** Takes over one of this name and region, which a run that was cut off made. */
  async create(inputs: FirewallRulesetInputs): Promise<{ id: string; outs: FirewallRulesetOutputs }> {
    const existing = (await this.#adoption.carryOut(inputs)) ?? (await this.#findLike(inputs));
    if (existing === undefined)
      return { id: await this.#make(inputs), outs: { ...inputs, schemaVersion: 1 } };
    this.#adoption.takeOver(existing.id);
    return { id: existing.id, ...(await this.#bringUpToDate(existing, inputs)) };
  }

  async #make(inputs: FirewallRulesetInputs): Promise<string> {
    const { name, region, rules } = inputs;
    const { id } = await certain(this.#context, {
      subject: `firewall ruleset ${name}`,
      create: () => this.#context.client.createFirewallRuleset({ name, region, rules: rules.map(toWire) }),
      find: () => this.#findLike(inputs),
    });
    return id;
  }

  async read(
    id: string,
    props: FirewallRulesetOutputs,
  ): Promise<{ id: string; props: FirewallRulesetOutputs }> {
    const found = await this.#find((known) => known.id === id);
    if (found === undefined) return { id: "", props };
    const rules = ownRules(found);
    const { name, region } = found;
    return {
      id,
      props: {
        ...props,
        name,
        region: region.name,
        // The same rules in another order, or spelled otherwise, are no drift.
        rules: sameRules(rules, props.rules) ? props.rules : rules,
      },
    };
  }

  async update(id: string, _olds: FirewallRulesetOutputs, news: FirewallRulesetInputs) {
    const existing = await this.#find((known) => known.id === id);
    if (existing === undefined) {
      throw new Error(
        `firewall ruleset ${news.name}: it is gone. Run the command again with --refresh: it makes another.`,
      );
    }
    return this.#bringUpToDate(existing, news);
  }

  async #bringUpToDate(
    existing: FirewallRuleset,
    news: FirewallRulesetInputs,
  ): Promise<{ outs: FirewallRulesetOutputs }> {
    const kept = existing.rules.map(fromWire).filter(isMarked);
    const rules = [...news.rules, ...kept].map(toWire);
    const isRight = existing.name === news.name && sameRules(ownRules(existing), news.rules);
    if (!isRight) await this.#context.client.updateFirewallRuleset(existing.id, { name: news.name, rules });
    return { outs: { ...news, schemaVersion: 1 } };
  }

  /** Waits until its last instance has let go of it. */
  async delete(id: string, { name }: FirewallRulesetOutputs): Promise<void> {
    if (this.#adoption.isTakenOver(id)) return;
    await deleteWhenFree(
      this.#context,
      `firewall ruleset ${name}`,
      () => this.#context.client.deleteFirewallRuleset(id),
      ({ firewall_rulesets }) => firewall_rulesets?.some((ruleset) => ruleset.id === id) ?? false,
    );
  }

  /** Names are not unique: of several, always the same one. */
  #findLike({ name, region }: FirewallRulesetInputs): Promise<FirewallRuleset | undefined> {
    return this.#find((known) => known.name === name && known.region.name === region);
  }

  async #find(isWanted: (known: FirewallRuleset) => boolean): Promise<FirewallRuleset | undefined> {
    const all = await this.#context.client.listFirewallRulesets();
    return all.filter(isWanted).sort((a, b) => (a.id < b.id ? -1 : 1))[0];
  }
}
