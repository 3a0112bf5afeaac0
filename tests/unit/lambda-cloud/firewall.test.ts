import fc from "fast-check";
import {
  FirewallRulesHandlers,
  type FirewallRulesInputs,
} from "../../../components/lambda-cloud/firewallRules";
import {
  FirewallRulesetHandlers,
  type FirewallRulesetInputs,
} from "../../../components/lambda-cloud/firewallRuleset";
import {
  checkRules,
  fromWire,
  marked,
  sameRules,
  toWire,
  unmarked,
  type FirewallRule,
} from "../../../components/lambda-cloud/rules";
import { SimulatedAccount } from "../../support/simulatedAccount";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const ssh: FirewallRule = {
  protocol: "tcp",
  portRange: [22, 22],
  sourceNetwork: "198.51.100.0/24",
  description: "SSH from the office",
};
const ping: FirewallRule = { protocol: "icmp", sourceNetwork: "198.51.100.7", description: "ping" };
const inputs: FirewallRulesetInputs = { name: "nodes", region: "us-east-1", rules: [ssh, ping] };

let account: SimulatedAccount;

beforeEach(async () => {
  account = new SimulatedAccount();
  await account.start();
});
afterEach(() => account.stop());

const rulesets = () => new FirewallRulesetHandlers(account.context());
const rules = () => new FirewallRulesHandlers(account.context());
const descriptions = (): string[][] =>
  account.cloud.state.rulesets.map((ruleset) => ruleset.rules.map(({ description }) => description));
const globals = (): string[] => account.cloud.state.globalRules.map(({ description }) => description);
const OPEN = ["Allow SSH from anywhere", "Allow ping from anywhere"];

describe("a rule", () => {
  const port = fc.integer({ min: 1, max: 65535 });
  const ports = fc.tuple(port, port).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
  const source = fc.tuple(fc.ipV4(), fc.option(fc.integer({ min: 0, max: 32 }), { nil: undefined }));
  const rule = fc.record({
    sourceNetwork: source.map(([ip, bits]) => (bits === undefined ? ip : `${ip}/${bits}`)),
    description: fc.stringMatching(/^[a-zA-Z0-9 ]{0,60}$/),
  });
  const anyRule: fc.Arbitrary<FirewallRule> = fc.oneof(
    rule.map((rest) => ({ protocol: "icmp" as const, ...rest })),
    fc
      .tuple(fc.constantFrom("tcp" as const, "udp" as const, "all" as const), ports, rule)
      .map(([protocol, portRange, rest]) => ({ protocol, portRange, ...rest })),
  );

  test("that is right is let through, survives the way there and back, and keeps its mark", () => {
    fc.assert(
      fc.property(anyRule, fc.stringMatching(/^[a-z/-]{1,60}$/), (one, owner) => {
        expect(checkRules([one], owner)).toEqual([]);
        expect(sameRules([fromWire(toWire(one))], [one])).toBe(true);
        expect(unmarked(marked(one, owner), owner)).toEqual(one);
        expect(unmarked(marked(one, owner), `${owner}x`)).toBeUndefined();
      }),
    );
  });

  test.each<[Partial<FirewallRule>, string]>([
    [{ sourceNetwork: "anywhere" }, '"anywhere" is no IPv4 address or network such as 198.51.100.0/24.'],
    [
      { sourceNetwork: "10.0.0.0/33" },
      '"10.0.0.0/33" is no IPv4 address or network such as 198.51.100.0/24.',
    ],
    [{ protocol: "icmp" }, "icmp has no ports; leave the port range out."],
    [
      { portRange: [23, 22] },
      "The port range 23-22 is not one from a lower to a higher port between 1 and 65535.",
    ],
    [
      { portRange: [0, 22] },
      "The port range 0-22 is not one from a lower to a higher port between 1 and 65535.",
    ],
    [
      { description: "x".repeat(129) },
      "The description is longer than the 128 characters that there is room for.",
    ],
    [{ description: "SSH [mine]" }, "The description ends in square brackets, which mark whose a rule is."],
  ])("with %j is refused", (change, reason) => {
    expect(checkRules([ping, { ...ssh, ...change }])).toEqual([
      { property: "rules", reason: `Rule 2: ${reason}` },
    ]);
  });

  test("without ports is refused, and one that is not known yet is not judged", () => {
    expect(checkRules([{ ...ping, protocol: "tcp" }])).toEqual([
      { property: "rules", reason: "Rule 1: tcp needs a port range such as [22, 22] or [1, 65535]." },
    ]);
    expect(checkRules(UNKNOWN as unknown as FirewallRule[])).toEqual([]);
    expect(checkRules([{ ...ssh, sourceNetwork: UNKNOWN }])).toEqual([]);
  });
});

describe("a ruleset", () => {
  test("is made, read, changed in place and deleted", async () => {
    const handlers = rulesets();
    const { id, outs } = await handlers.create(inputs);
    expect(await handlers.read(id, outs)).toEqual({ id, props: outs }); // the API's spelling is no drift
    const news = { ...inputs, name: "workers", rules: [ssh] };
    expect(await handlers.diff(id, outs, news)).toEqual({
      changes: true,
      replaces: [],
      deleteBeforeReplace: false,
    });
    const updated = await handlers.update(id, outs, news);
    expect(account.cloud.state.rulesets).toMatchObject([
      { id, name: "workers", rules: [{ protocol: "tcp" }] },
    ]);
    expect((await handlers.diff(id, updated.outs, news)).changes).toBe(false);
    await handlers.delete(id, updated.outs);
    expect(account.cloud.state.rulesets).toEqual([]);
    expect((await handlers.read(id, outs)).id).toBe("");
  });

  test("another region forces a replacement", async () => {
    const { id, outs } = await rulesets().create(inputs);
    expect((await rulesets().diff(id, outs, { ...inputs, region: "us-west-1" })).replaces).toEqual([
      "region",
    ]);
  });

  test("drift shows", async () => {
    const { id, outs } = await rulesets().create(inputs);
    account.cloud.state.rulesets[0]?.rules.pop();
    const { props } = await rulesets().read(id, outs);
    expect(props.rules).toEqual([ssh]);
    expect((await rulesets().diff(id, props, inputs)).changes).toBe(true);
  });

  test.each(["commit-drop", "drop", "commit-error", "commit-garbage", "conflict"] as const)(
    "%s leaves exactly one",
    async (kind) => {
      account.fault({ route: "POST /firewall-rulesets", fault: { kind } });
      const { id } = await rulesets().create(inputs);
      expect(account.cloud.state.rulesets.map((made) => made.id)).toEqual([id]);
    },
  );

  test("one that a run made which was cut off is taken over and brought up to date", async () => {
    const { id } = await rulesets().create({ ...inputs, rules: [ping] });
    expect((await rulesets().create(inputs)).id).toBe(id);
    expect(descriptions()).toEqual([["SSH from the office", "ping"]]);
  });
});

describe("rules in a ruleset of others", () => {
  const ours: FirewallRulesInputs = { ruleset: "global", owner: "sophia-ai/prod", rules: [ssh] };

  test("are merged into the global ones and taken out again", async () => {
    const handlers = rules();
    const { id, outs } = await handlers.create(ours);
    expect(id).toBe("global/sophia-ai/prod");
    expect(globals()).toEqual([...OPEN, "SSH from the office [sophia-ai/prod]"]);
    expect(await handlers.read(id, outs)).toEqual({ id, props: outs });
    const { outs: changed } = await handlers.update(id, outs, { ...ours, rules: [ping] });
    expect(globals()).toEqual([...OPEN, "ping [sophia-ai/prod]"]);
    await rules().delete(id, changed);
    expect(globals()).toEqual(OPEN);
    expect((await rules().read(id, changed)).id).toBe("");
  });

  test("of two stacks never touch each other", async () => {
    const [prod, staging] = [ours, { ...ours, owner: "sophia-ai/staging" }];
    const first = await rules().create(prod);
    const second = await rules().create(staging);
    await rules().delete(first.id, first.outs);
    expect(globals()).toEqual([...OPEN, "SSH from the office [sophia-ai/staging]"]);
    await rules().delete(second.id, second.outs);
    expect(globals()).toEqual(OPEN);
  });

  test("stay when the ruleset itself is updated", async () => {
    const { id, outs } = await rulesets().create(inputs);
    await rules().create({ ...ours, ruleset: id });
    await rulesets().update(id, outs, { ...inputs, rules: [ping] });
    expect(descriptions()).toEqual([["ping", "SSH from the office [sophia-ai/prod]"]]);
    expect((await rulesets().read(id, { ...outs, rules: [ping] })).props.rules).toEqual([ping]);
  });

  test.each(["commit-drop", "drop", "commit-error", "internal-error"] as const)(
    "%s writes them once",
    async (kind) => {
      account.fault({ route: "PATCH /firewall-rulesets/global", fault: { kind } });
      await rules().create(ours);
      expect(globals()).toEqual([...OPEN, "SSH from the office [sophia-ai/prod]"]);
    },
  );

  test("a ruleset that is gone took its rules with it, and takes no more", async () => {
    const gone = { ...ours, ruleset: "f".repeat(32) };
    await rules().delete("x", { ...gone, schemaVersion: 1 });
    await expect(rules().create(gone)).rejects.toThrow(
      new Error(`firewall rules of sophia-ai/prod: there is no ruleset ${gone.ruleset}.`),
    );
  });

  test("an owner that could be mistaken for something else is refused", async () => {
    expect((await rules().check(undefined, { ...ours, owner: "a [b]" })).failures).toEqual([
      { property: "owner", reason: "The owner must have 1 to 60 characters, no square brackets among them." },
    ]);
  });
});
