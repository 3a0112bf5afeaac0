import { isIPv4 } from "node:net";
import { isUnknown, type CheckFailure } from "./handlers";
import { canonicalJson } from "./naming";
import { MAX_DESCRIPTION_LENGTH, type FirewallRule as WireRule, type FirewallRuleRequest } from "./schemas";

/** Lets traffic in; what no rule lets in stays out (https://docs.lambda.ai/public-cloud/firewalls/). */
export interface FirewallRule {
  readonly protocol: "tcp" | "udp" | "icmp" | "all";
  /** First and last port, 1 to 65535; all protocols but icmp have one. */
  readonly portRange?: readonly [number, number];
  /** IPv4 network such as `198.51.100.0/24`, or one address. */
  readonly sourceNetwork: string;
  /** At most 128 characters; none of its own ends in square brackets, which mark rules of {@link marked} owners. */
  readonly description: string;
}

/** A network as the API keeps it: a single address has 32 bits. */
const network = (source: string): string => (source.includes("/") ? source : `${source}/32`);

export function toWire({
  protocol,
  portRange,
  sourceNetwork,
  description,
}: FirewallRule): FirewallRuleRequest {
  return {
    protocol,
    ...(portRange === undefined ? {} : { port_range: [portRange[0], portRange[1]] as [number, number] }),
    source_network: network(sourceNetwork),
    description,
  };
}

export function fromWire({ protocol, port_range, source_network, description }: WireRule): FirewallRule {
  return {
    // Whatever else the API may add one day is carried through as it is.
    protocol: protocol as FirewallRule["protocol"],
    ...(port_range ? { portRange: port_range } : {}),
    sourceNetwork: network(source_network),
    description,
  };
}

/** Whether two lists let in the same, whatever their order. */
export function sameRules(a: readonly FirewallRule[], b: readonly FirewallRule[]): boolean {
  const key = (rules: readonly FirewallRule[]) => rules.map((rule) => canonicalJson(toWire(rule))).sort();
  return canonicalJson(key(a)) === canonicalJson(key(b));
}

/** Rules that share a ruleset with others say whose they are, at the end of their description. */
const MARK = / \[[^[\]]+\]$/;

export const isMarked = ({ description }: Pick<FirewallRule, "description">): boolean =>
  MARK.test(description);

export const marked = (rule: FirewallRule, owner: string): FirewallRule => ({
  ...rule,
  description: `${rule.description} [${owner}]`,
});

/** The rule without its mark, if it is this owner's. */
export function unmarked(rule: FirewallRule, owner: string): FirewallRule | undefined {
  const mark = ` [${owner}]`;
  return rule.description.endsWith(mark)
    ? { ...rule, description: rule.description.slice(0, -mark.length) }
    : undefined;
}

function isNetwork(source: string): boolean {
  const [address = "", bits = "32", ...rest] = source.split("/");
  return rest.length === 0 && isIPv4(address) && /^(\d|[12]\d|3[0-2])$/.test(bits);
}

function ruleProblem({ protocol, portRange, sourceNetwork, description }: FirewallRule, room: number) {
  if (!isUnknown(sourceNetwork) && !isNetwork(sourceNetwork))
    return `${JSON.stringify(sourceNetwork)} is no IPv4 address or network such as 198.51.100.0/24.`;
  if (protocol === "icmp" && portRange !== undefined) return "icmp has no ports; leave the port range out.";
  if (protocol !== "icmp" && portRange === undefined)
    return `${protocol} needs a port range such as [22, 22] or [1, 65535].`;
  if (portRange !== undefined && !isUnknown(portRange)) {
    const [from, to] = portRange;
    const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535;
    if (!isPort(from) || !isPort(to) || from > to)
      return `The port range ${from}-${to} is not one from a lower to a higher port between 1 and 65535.`;
  }
  if (!isUnknown(description) && description.length > room)
    return `The description is longer than the ${room} characters that there is room for.`;
  if (!isUnknown(description) && isMarked({ description }))
    return "The description ends in square brackets, which mark whose a rule is.";
  return undefined;
}

/** What the API would refuse, rule by rule. */
export function checkRules(rules: readonly FirewallRule[], owner?: string): CheckFailure[] {
  if (typeof rules === "string") return []; // not known yet
  const room = MAX_DESCRIPTION_LENGTH - (owner === undefined ? 0 : owner.length + " []".length);
  return rules.flatMap((rule, index) => {
    const reason = typeof rule === "object" ? ruleProblem(rule, room) : undefined;
    return reason === undefined ? [] : [{ property: "rules", reason: `Rule ${index + 1}: ${reason}` }];
  });
}
