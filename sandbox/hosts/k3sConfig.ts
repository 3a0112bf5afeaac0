/**
 * The configuration of k3s on an instance, read and refused as k3s does.
 * @see https://docs.k3s.io/installation/configuration and https://docs.k3s.io/cli/server
 */
import { parse } from "yaml";
import { z } from "zod";
import { parseTaint } from "../controlPlane/nodes";

/** What k3s is started as. */
export type K3sRole = "server" | "agent";

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((value) => value === "true")]);
/** A list; k3s takes a single value, or several with commas between them, as a list too. */
const list = z.union([z.array(text), text.transform((value) => value.split(","))]);

const agentKeys = {
  server: text.optional(),
  token: text.optional(),
  "token-file": text.optional(),
  "data-dir": text.optional(),
  "node-name": text.optional(),
  "with-node-id": flag.optional(),
  "node-label": list.optional(),
  "node-taint": list.optional(),
  "node-ip": list.optional(),
  "node-external-ip": list.optional(),
  "node-internal-dns": list.optional(),
  "node-external-dns": list.optional(),
  "resolv-conf": text.optional(),
  "flannel-iface": text.optional(),
  "flannel-conf": text.optional(),
  "kubelet-arg": list.optional(),
  "kube-proxy-arg": list.optional(),
  "protect-kernel-defaults": flag.optional(),
  selinux: flag.optional(),
  "lb-server-port": text.optional(),
  "private-registry": text.optional(),
  "default-runtime": text.optional(),
  "container-runtime-endpoint": text.optional(),
  "pause-image": text.optional(),
  snapshotter: text.optional(),
  "prefer-bundled-bin": flag.optional(),
  "disable-default-registry-endpoint": flag.optional(),
  "vpn-auth": text.optional(),
  "vpn-auth-file": text.optional(),
  debug: flag.optional(),
  v: text.optional(),
  log: text.optional(),
  rootless: flag.optional(),
};

const serverKeys = {
  ...agentKeys,
  "cluster-init": flag.optional(),
  "cluster-reset": flag.optional(),
  "agent-token": text.optional(),
  "agent-token-file": text.optional(),
  "bind-address": text.optional(),
  "advertise-address": text.optional(),
  "advertise-port": text.optional(),
  "https-listen-port": text.optional(),
  "tls-san": list.optional(),
  "tls-san-security": flag.optional(),
  "cluster-cidr": list.optional(),
  "service-cidr": list.optional(),
  "service-node-port-range": text.optional(),
  "cluster-dns": list.optional(),
  "cluster-domain": text.optional(),
  "flannel-backend": text.optional(),
  "flannel-ipv6-masq": flag.optional(),
  "flannel-external-ip": flag.optional(),
  "egress-selector-mode": text.optional(),
  "servicelb-namespace": text.optional(),
  "write-kubeconfig": text.optional(),
  "write-kubeconfig-mode": text.optional(),
  "write-kubeconfig-group": text.optional(),
  disable: list.optional(),
  "disable-scheduler": flag.optional(),
  "disable-cloud-controller": flag.optional(),
  "disable-kube-proxy": flag.optional(),
  "disable-network-policy": flag.optional(),
  "disable-helm-controller": flag.optional(),
  "helm-job-image": text.optional(),
  "secrets-encryption": flag.optional(),
  "secrets-encryption-provider": text.optional(),
  "embedded-registry": flag.optional(),
  "supervisor-metrics": flag.optional(),
  "enable-pprof": flag.optional(),
  "kube-apiserver-arg": list.optional(),
  "kube-controller-manager-arg": list.optional(),
  "kube-scheduler-arg": list.optional(),
  "kube-cloud-controller-manager-arg": list.optional(),
  "etcd-arg": list.optional(),
  "etcd-expose-metrics": flag.optional(),
  "etcd-disable-snapshots": flag.optional(),
  "etcd-snapshot-name": text.optional(),
  "etcd-snapshot-schedule-cron": text.optional(),
  "etcd-snapshot-retention": text.optional(),
  "etcd-snapshot-dir": text.optional(),
  "etcd-snapshot-compress": flag.optional(),
  "etcd-s3": flag.optional(),
  "etcd-s3-endpoint": text.optional(),
  "etcd-s3-endpoint-ca": text.optional(),
  "etcd-s3-skip-ssl-verify": flag.optional(),
  "etcd-s3-access-key": text.optional(),
  "etcd-s3-secret-key": text.optional(),
  "etcd-s3-bucket": text.optional(),
  "etcd-s3-region": text.optional(),
  "etcd-s3-folder": text.optional(),
  "etcd-s3-proxy": text.optional(),
  "etcd-s3-config-secret": text.optional(),
  "etcd-s3-insecure": flag.optional(),
  "etcd-s3-timeout": text.optional(),
  "etcd-s3-retention": text.optional(),
  "datastore-endpoint": text.optional(),
  "default-local-storage-path": text.optional(),
};

const schemas = { agent: z.strictObject(agentKeys), server: z.strictObject(serverKeys) };

/** What k3s understood; an agent's lacks the keys only servers have. */
export type K3sConfig = z.infer<typeof schemas.server>;

/** k3s refuses to start; the message is what its log says. */
export class K3sRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "K3sRefusal";
  }
}

/** Reads `--key=value`, `--key value` and `--flag` as they stand after `k3s server` or `k3s agent`. */
export function parseArgs(args: readonly string[]): Record<string, unknown> {
  const parsed: Record<string, unknown> = {};
  for (let at = 0; at < args.length; at++) {
    const match = /^--?(?<key>[\w-]+)(?:=(?<value>.*))?$/s.exec(args[at] ?? "");
    const key = match?.groups?.["key"];
    if (key === undefined) throw new K3sRefusal(`No help topic for '${args[at] ?? ""}'`);
    const next = args[at + 1];
    let value = match?.groups?.["value"];
    if (value === undefined && next !== undefined && !next.startsWith("-")) {
      value = next;
      at++;
    }
    addTo(parsed, key, value ?? true);
  }
  return parsed;
}

/** A key that is given twice is a list. */
function addTo(target: Record<string, unknown>, key: string, value: unknown): void {
  const before = target[key];
  if (before === undefined) target[key] = value;
  else target[key] = [before, value].flat();
}

/**
 * Merges configuration files in order (a later one replaces a key, `key+` adds to it), then arguments.
 * @throws K3sRefusal for a file that is no YAML mapping
 */
export function mergeConfig(
  files: readonly { readonly path: string; readonly content: string }[],
  args: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const { path, content } of files) {
    for (const [key, value] of Object.entries(parseFile(path, content))) {
      if (key.endsWith("+")) addTo(merged, key.slice(0, -1), value);
      else merged[key] = value;
    }
  }
  return { ...merged, ...args };
}

function parseFile(path: string, content: string): object {
  try {
    const document: unknown = parse(content) ?? {};
    if (typeof document === "object" && !Array.isArray(document) && document !== null) return document;
  } catch (error) {
    throw new K3sRefusal(`${path}: ${(error as Error).message.split("\n")[0] ?? "no YAML"}`);
  }
  throw new K3sRefusal(`${path}: cannot unmarshal into a mapping`);
}

/**
 * Checks a merged configuration.
 * @throws K3sRefusal as k3s would end: unknown keys, wrong types, an agent without `server`, labels a kubelet may
 * not set on itself, taints that are none
 */
export function checkConfig(role: K3sRole, raw: Readonly<Record<string, unknown>>): K3sConfig {
  const result = schemas[role].safeParse(raw);
  if (!result.success)
    throw new K3sRefusal(result.error.issues.map((issue) => describe(issue, raw)).join("; "));
  const config: K3sConfig = result.data;
  if (role === "agent" && config.server === undefined) throw new K3sRefusal("--server is required");
  if (config.server !== undefined && config.token === undefined && config["token-file"] === undefined) {
    throw new K3sRefusal("--token is required");
  }
  if (config["cluster-init"] === true && config.server !== undefined) {
    throw new K3sRefusal("cannot use both --cluster-init and --server");
  }
  checkLabels(config["node-label"] ?? []);
  for (const taint of config["node-taint"] ?? []) {
    if (parseTaint(taint) === undefined) throw new K3sRefusal(`invalid taint spec: ${taint}`);
  }
  return config;
}

function describe(issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `flag provided but not defined: -${key}`).join("; ");
  }
  const key = issue.path.join(".");
  return `invalid value ${JSON.stringify(raw[key])} for flag -${key}`;
}

/** Labels under kubernetes.io that a kubelet may set on its own node. */
const OWN_LABELS = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
]);

/** @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction */
function isReserved(label: string): boolean {
  const domain = label.split("/")[0] ?? "";
  if (!label.includes("/") || OWN_LABELS.has(label)) return false;
  if (/(^|\.)(kubelet|node)\.kubernetes\.io$/.test(domain)) return false;
  return /(^|\.)(kubernetes|k8s)\.io$/.test(domain);
}

function checkLabels(labels: readonly string[]): void {
  const keys = labels.map((label) => label.split("=")[0] ?? "");
  const malformed = labels.find((label) => !/^[^=]+=[^=]*$/.test(label));
  if (malformed !== undefined) throw new K3sRefusal(`invalid node label: ${malformed}`);
  const reserved = keys.filter(isReserved);
  if (reserved.length > 0) {
    throw new K3sRefusal(
      `unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [${reserved.join(" ")}]`,
    );
  }
}

/** `key=value` lines as a record; for labels that passed {@link checkConfig}. */
export function toRecord(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => [pair.split("=")[0] ?? "", pair.split("=").slice(1).join("=")]),
  );
}
