import { certain } from "./certain";
import type { LambdaCloudClient } from "./client";
import {
  Adoption,
  isUnknown,
  type Adoptable,
  type CheckFailure,
  type DiffResult,
  type Handlers,
} from "./handlers";
import { deleteWhenFree } from "./inUse";
import { ALIVE } from "./launch";
import { systemClock, type Clock } from "./limiter";
import { checkRules, fromWire, isMarked, sameRules, toWire, type FirewallRule } from "./rules";
import { MAX_NAME_LENGTH, type FirewallRuleset } from "./schemas";
import type { LambdaSettings } from "./settings";

export interface FirewallRulesetInputs extends Adoptable {
  readonly name: string;
  readonly region: string;
  readonly rules: readonly FirewallRule[];
  readonly __provider?: unknown;
}

export interface FirewallRulesetOutputs extends FirewallRulesetInputs {
  readonly schemaVersion: 1;
}

export interface FirewallRulesetContext {
  readonly client: Pick<
    LambdaCloudClient,
    | "listFirewallRulesets"
    | "createFirewallRuleset"
    | "getFirewallRules"
    | "updateFirewallRuleset"
    | "deleteFirewallRuleset"
    | "listInstances"
  >;
  readonly settings: Pick<LambdaSettings, "pollIntervalMs" | "settleMs">;
  /** @default systemClock */
  readonly clock?: Clock;
}

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
  readonly #context: FirewallRulesetContext;
  readonly #clock: Clock;
  readonly #adoption: Adoption<FirewallRuleset, FirewallRulesetInputs>;
  /** Ids that creations of this run took over; see the deletion of instances. */
  readonly #takenOver = new Set<string>();

  constructor(context: FirewallRulesetContext) {
    this.#context = context;
    this.#clock = context.clock ?? systemClock;
    this.#adoption = new Adoption((id) => this.#find((known) => known.id === id), adoptionObstacle);
  }

  async check(olds: Partial<FirewallRulesetInputs> | undefined, news: FirewallRulesetInputs) {
    const failures: CheckFailure[] = checkRules(news.rules);
    if (!isUnknown(news.name) && (news.name.length < 1 || news.name.length > MAX_NAME_LENGTH))
      failures.push({ property: "name", reason: `The name must have 1 to ${MAX_NAME_LENGTH} characters.` });
    if (failures.length === 0) failures.push(...(await this.#adoption.check(olds, news)));
    return { inputs: news, failures };
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
    this.#takenOver.add(existing.id);
    return { id: existing.id, ...(await this.#bringUpToDate(existing, inputs)) };
  }

  async #make(inputs: FirewallRulesetInputs): Promise<string> {
    const { client, settings } = this.#context;
    const { name, region, rules } = inputs;
    const { id } = await certain(
      { clock: this.#clock, ...settings },
      {
        subject: `firewall ruleset ${name}`,
        create: () => client.createFirewallRuleset({ name, region, rules: rules.map(toWire) }),
        find: () => this.#findLike(inputs),
      },
    );
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
    if (this.#takenOver.has(id)) return;
    const { client, settings } = this.#context;
    await deleteWhenFree(
      { clock: this.#clock, pollIntervalMs: settings.pollIntervalMs },
      `firewall ruleset ${name}`,
      () => client.deleteFirewallRuleset(id),
      async () =>
        (await client.listInstances())
          .filter(({ status, firewall_rulesets }) => {
            return ALIVE.has(status) && firewall_rulesets?.some((ruleset) => ruleset.id === id);
          })
          .map((instance) => instance.name ?? instance.id),
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
