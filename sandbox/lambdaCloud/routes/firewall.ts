import { isIPv4 } from "node:net";
import { z } from "zod";
import {
  createFirewallRulesetRequestSchema,
  firewallRuleRequestSchema,
  updateFirewallRulesetRequestSchema,
  type FirewallRuleset,
} from "../../../components/lambda-cloud/schemas";
import { ApiFailure, invalid, quotaExceeded } from "../apiFailure";
import { checkRegion, newId, QUOTAS, removeFrom, type Cloud } from "../cloud";
import type { FirewallRuleRecord } from "../state";
import type { Call, Route } from "./route";

type RuleRequest = z.infer<typeof firewallRuleRequestSchema>;

/** Firewall: the account's global rules under their two addresses, and rulesets that instances are launched with. */
export const firewallRoutes: readonly Route[] = [
  { method: "GET", path: "/firewall-rules", handle: ({ cloud }) => cloud.state.globalRules },
  {
    method: "PUT",
    path: "/firewall-rules",
    handle: ({ cloud, body }) => {
      const { data } = body(z.strictObject({ data: firewallRuleRequestSchema.array() }));
      return (cloud.state.globalRules = data.map(normalRule));
    },
  },
  { method: "GET", path: "/firewall-rulesets/global", handle: ({ cloud }) => showGlobal(cloud) },
  {
    method: "PATCH",
    path: "/firewall-rulesets/global",
    handle: ({ cloud, body }) => {
      const { rules } = body(updateFirewallRulesetRequestSchema.pick({ rules: true }));
      if (rules !== undefined) cloud.state.globalRules = rules.map(normalRule);
      return showGlobal(cloud);
    },
  },
  {
    method: "GET",
    path: "/firewall-rulesets",
    handle: ({ cloud }) => cloud.state.rulesets.map((record) => cloud.showRuleset(record)),
  },
  { method: "POST", path: "/firewall-rulesets", handle: create },
  {
    method: "GET",
    path: "/firewall-rulesets/{id}",
    handle: ({ cloud, id }) => cloud.showRuleset(cloud.ruleset(id)),
  },
  { method: "PATCH", path: "/firewall-rulesets/{id}", handle: update },
  { method: "DELETE", path: "/firewall-rulesets/{id}", handle: remove },
];

const showGlobal = ({ state }: Cloud): object => ({
  id: "global",
  name: "Default Workspace Global Rules",
  rules: state.globalRules,
});

function create({ cloud, body }: Call): FirewallRuleset {
  const { name, region, rules } = body(createFirewallRulesetRequestSchema);
  checkRegion(region);
  if (cloud.state.rulesets.length >= QUOTAS.rulesets) throw quotaExceeded();
  const created = new Date().toISOString();
  const record = { id: newId(), name, region, created, rules: rules.map(normalRule) };
  cloud.state.rulesets.push(record);
  return cloud.showRuleset(record);
}

function update({ cloud, id, body }: Call): FirewallRuleset {
  const record = cloud.ruleset(id);
  const { name, rules } = body(updateFirewallRulesetRequestSchema);
  const checked = rules?.map(normalRule);
  record.name = name ?? record.name;
  record.rules = checked ?? record.rules;
  return cloud.showRuleset(record);
}

function remove({ cloud, id }: Call): object {
  const record = cloud.ruleset(id);
  if (cloud.showRuleset(record).instance_ids.length > 0) {
    throw new ApiFailure(
      400,
      "firewall-rulesets/firewall-ruleset-in-use",
      "Firewall ruleset is in use by one or more instances.",
      "Terminate all instances that are using the ruleset before deleting it.",
    );
  }
  removeFrom(cloud.state.rulesets, record);
  return {};
}

/** A rule as the API keeps it: a bare address is a network of one. */
function normalRule({ protocol, port_range, source_network, description }: RuleRequest): FirewallRuleRecord {
  if ((protocol === "icmp") !== (port_range === undefined))
    throw invalid("port_range is required, except for icmp, where it is forbidden.");
  if (port_range !== undefined && port_range[0] > port_range[1])
    throw invalid("port_range must not end before it begins.");
  const [address = "", bits = "32"] = source_network.split("/", 2);
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
    throw invalid("source_network must be an IPv4 network.");
  const source = `${address}/${bits}`;
  return {
    protocol,
    source_network: source,
    description,
    ...(port_range === undefined ? {} : { port_range }),
  };
}
