/** What costs nothing by the hour is made exactly once, too: schedules of faults and kills over every other resource. */
import fc from "fast-check";
import { FileSystemHandlers } from "../../../components/lambda-cloud/fileSystem";
import { FirewallRulesHandlers } from "../../../components/lambda-cloud/firewallRules";
import { FirewallRulesetHandlers } from "../../../components/lambda-cloud/firewallRuleset";
import { SshKeyHandlers } from "../../../components/lambda-cloud/sshKey";
import { SimulatedAccount } from "../../support/simulatedAccount";

jest.setTimeout(120_000);

const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdVCeFBaUvyOB1SMAf4HvwoyBO9LHZK5Er+hRHCpFgy";
const ssh = {
  protocol: "tcp",
  portRange: [22, 22],
  sourceNetwork: "10.0.0.0/8",
  description: "SSH",
} as const;

/** One kind of resource as the engine sees it, started anew for every command. */
interface Kind {
  readonly routes: readonly string[];
  readonly create: (account: SimulatedAccount) => Promise<{ id: string; outs: unknown }>;
  readonly remove: (account: SimulatedAccount, id: string, outs: unknown) => Promise<void>;
  /** Ids of what there is. */
  readonly present: (account: SimulatedAccount) => string[];
}

const region = "us-east-1";
const kinds: Record<string, Kind> = {
  "file system": {
    routes: ["GET /file-systems", "POST /filesystems", "DELETE /filesystems/{id}"],
    create: (account) => new FileSystemHandlers(account.context()).create({ name: "models", region }),
    remove: (account, id, outs) => new FileSystemHandlers(account.context()).delete(id, outs as never),
    present: ({ cloud }) => cloud.state.fileSystems.map(({ id }) => id),
  },
  "firewall ruleset": {
    routes: ["GET /firewall-rulesets", "POST /firewall-rulesets", "DELETE /firewall-rulesets/{id}"],
    create: (account) =>
      new FirewallRulesetHandlers(account.context()).create({ name: "nodes", region, rules: [ssh] }),
    remove: (account, id, outs) => new FirewallRulesetHandlers(account.context()).delete(id, outs as never),
    present: ({ cloud }) => cloud.state.rulesets.map(({ id }) => id),
  },
  "SSH key": {
    routes: ["GET /ssh-keys", "POST /ssh-keys", "DELETE /ssh-keys/{id}"],
    create: (account) => new SshKeyHandlers(account.context()).create({ name: "key", publicKey: PUBLIC_KEY }),
    remove: (account, id) => new SshKeyHandlers(account.context()).delete(id),
    present: ({ cloud }) => cloud.state.sshKeys.map(({ id }) => id),
  },
  "shared firewall rule": {
    routes: ["GET /firewall-rulesets/global", "PATCH /firewall-rulesets/global"],
    create: (account) =>
      new FirewallRulesHandlers(account.context()).create({ ruleset: "global", owner: "test", rules: [ssh] }),
    remove: (account, id, outs) => new FirewallRulesHandlers(account.context()).delete(id, outs as never),
    present: ({ cloud }) =>
      cloud.state.globalRules
        .filter(({ description }) => description === "SSH [test]")
        .map(() => "global/test"),
  },
};

const faults = [
  "drop",
  "commit-drop",
  "commit-error",
  "commit-garbage",
  "rate-limit",
  "unavailable",
] as const;

type Step =
  | { readonly do: "up" | "killed-up" }
  | {
      readonly do: "fault";
      readonly route: number;
      readonly kind: (typeof faults)[number];
      readonly times: number;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("up" as const, "killed-up" as const) }),
  fc.record({
    do: fc.constant("fault" as const),
    route: fc.nat({ max: 2 }),
    kind: fc.constantFrom(...faults),
    times: fc.integer({ min: 1, max: 8 }),
  }),
);

async function runSchedule(kind: Kind, schedule: readonly Step[]): Promise<void> {
  const account = new SimulatedAccount();
  await account.start();
  let state: { id: string; outs: unknown } | undefined;
  const up = async (isWritten: boolean): Promise<void> => {
    const made = state ?? (await kind.create(account).catch(() => undefined));
    if (isWritten) state = made;
  };
  try {
    for (const next of schedule) {
      if (next.do === "fault") {
        const route = kind.routes[next.route % kind.routes.length] ?? "";
        account.fault({ route, fault: { kind: next.kind }, times: next.times });
      } else await up(next.do === "up");
      expect(kind.present(account).length).toBeLessThanOrEqual(1);
    }
    account.cloud.state.faults.length = 0;
    await up(true);
    expect(kind.present(account)).toEqual([state?.id]);
    account.fault({ route: kind.routes.at(-1) ?? "", fault: { kind: "commit-error" } });
    await kind.remove(account, state?.id ?? "", state?.outs);
    expect(kind.present(account)).toEqual([]);
  } finally {
    await account.stop();
  }
}

test.each(Object.keys(kinds))("no schedule of faults and kills doubles or loses a %s", async (name) => {
  const kind = kinds[name];
  if (kind === undefined) throw new Error(name);
  const schedules = fc.array(step, { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(schedules, (schedule) => runSchedule(kind, schedule)),
    {
      numRuns: 25,
      seed: 20261123,
    },
  );
});
