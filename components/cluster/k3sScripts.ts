/**
 * The node bootstrap as pure functions from facts to text: what is rendered here is exactly what runs, and it is kept
 * as committed snapshots. Nothing secret is ever part of a script; tokens arrive on standard input.
 */
import { stringify } from "yaml";

/** Where k3s comes from. */
export interface K3sRelease {
  /** Release, such as `v1.36.3+k3s1`. */
  readonly version: string;
  /** Base URL under which `<version>/k3s`, `<version>/k3s-arm64` and `<version>/sha256sum-<arch>.txt` are served. */
  readonly downloadUrl: string;
  /** Pinned digest of the binary by architecture. @default - the digest the release publishes beside the binary */
  readonly sha256?: { readonly amd64?: string | undefined; readonly arm64?: string | undefined };
}

/** What differs from node to node. */
export interface NodeFacts {
  /** Kubernetes node name. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `key[=value]:effect` */
  readonly taints: readonly string[];
}

/** A server's own settings. */
export interface ServerFacts extends NodeFacts {
  /** Public address of the node; part of the API server's certificate. */
  readonly ip: string;
  readonly apiPort: number;
  readonly tlsSans: readonly string[];
}

/** An agent's own settings. */
export interface AgentFacts extends NodeFacts {
  /** `https://<server>:<port>` that the agent joins. */
  readonly serverUrl: string;
}

const CONFIG_DIR = "/etc/rancher/k3s";

const nodeSettings = ({ name, labels, taints }: NodeFacts): Record<string, unknown> => ({
  "node-name": name,
  "node-label": Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  "node-taint": [...taints],
});

/** `/etc/rancher/k3s/config.yaml` of a server (https://docs.k3s.io/cli/server). */
export function serverConfig(facts: ServerFacts): string {
  return stringify({
    "cluster-init": true,
    "token-file": `${CONFIG_DIR}/token`,
    "agent-token-file": `${CONFIG_DIR}/agent-token`,
    "https-listen-port": facts.apiPort,
    "tls-san": [facts.ip, ...facts.tlsSans],
    "write-kubeconfig-mode": "0600",
    "flannel-backend": "wireguard-native",
    "secrets-encryption": true,
    "protect-kernel-defaults": true,
    disable: ["traefik"],
    ...nodeSettings(facts),
  });
}

/** `/etc/rancher/k3s/config.yaml` of an agent (https://docs.k3s.io/cli/agent). */
export function agentConfig(facts: AgentFacts): string {
  return stringify({
    server: facts.serverUrl,
    "token-file": `${CONFIG_DIR}/agent-token`,
    "protect-kernel-defaults": true,
    ...nodeSettings(facts),
  });
}

const unit = (role: "server" | "agent"): string => `[Unit]
Description=Lightweight Kubernetes (${role})
Documentation=https://docs.k3s.io
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s ${role}

[Install]
WantedBy=multi-user.target
`;

// protect-kernel-defaults makes the kubelet insist on these: https://docs.k3s.io/security/hardening-guide
const SYSCTL = `vm.panic_on_oom=0
vm.overcommit_memory=1
kernel.panic=10
kernel.panic_on_oops=1
`;

const writeFile = (path: string, mode: string, content: string): string =>
  `sudo install -m ${mode} /dev/stdin ${path} <<'SOPHIA_EOF'\n${content.trimEnd()}\nSOPHIA_EOF`;

/** One line of standard input for each secret file, in this order. */
const readSecrets = (files: readonly string[]): string =>
  files
    .map(
      (file) =>
        `IFS= read -r secret\nprintf '%s\\n' "$secret" | sudo install -m 0600 /dev/stdin ${CONFIG_DIR}/${file}`,
    )
    .concat("unset secret")
    .join("\n");

/** A text as one word of the shell, whatever is in it. */
const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function installBinary({ version, downloadUrl, sha256 }: K3sRelease): string {
  const base = `${downloadUrl.replace(/\/+$/, "")}/${encodeURIComponent(version)}`;
  return `version=${word(version)}
case "$(uname -m)" in
  x86_64) arch=amd64 asset=k3s pinned=${word(sha256?.amd64 ?? "")} ;;
  aarch64) arch=arm64 asset=k3s-arm64 pinned=${word(sha256?.arm64 ?? "")} ;;
  *) echo "node: the architecture is not supported (got $(uname -m)); expected x86_64 or aarch64." >&2; exit 1 ;;
esac
installed=$(/usr/local/bin/k3s --version 2>/dev/null | awk 'NR == 1 { print $3 }' || true)
if [ "$installed" != "$version" ]; then
  base=${word(base)}
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  curl -fsSL --retry 5 --retry-connrefused -o "$work/k3s" "$base/$asset"
  if [ -z "$pinned" ]; then
    curl -fsSL --retry 5 --retry-connrefused -o "$work/sums" "$base/sha256sum-$arch.txt"
    pinned=$(awk -v asset="$asset" '$2 == asset { print $1 }' "$work/sums")
  fi
  actual=$(sha256sum "$work/k3s" | awk '{ print $1 }')
  if [ "$actual" != "$pinned" ]; then
    echo "k3s: the checksum of the download is wrong (got $actual); expected \${pinned:-a checksum for $asset in sha256sum-$arch.txt}. Check k3sDownloadUrl and k3sSha256." >&2
    exit 1
  fi
  sudo install -m 0755 "$work/k3s" /usr/local/bin/k3s
fi`;
}

interface ScriptParts {
  readonly role: "server" | "agent";
  readonly service: "k3s" | "k3s-agent";
  readonly release: K3sRelease;
  readonly config: string;
  readonly secretFiles: readonly string[];
  readonly waitFor: string;
}

function script({ role, service, release, config, secretFiles, waitFor }: ScriptParts): string {
  return [
    "set -euo pipefail",
    "umask 077",
    `sudo install -d -m 0700 ${CONFIG_DIR}`,
    "# The join tokens come on standard input: never in an argument, a log or the API's user data.",
    readSecrets(secretFiles),
    "# cloud-init may still be at work when sshd answers; its failures are its own.",
    "cloud-init status --wait >/dev/null 2>&1 || true",
    writeFile("/etc/sysctl.d/90-kubelet.conf", "0644", SYSCTL),
    "sudo sysctl --system >/dev/null",
    installBinary(release),
    writeFile(`${CONFIG_DIR}/config.yaml`, "0600", config),
    writeFile(`/etc/systemd/system/${service}.service`, "0644", unit(role)),
    "sudo systemctl daemon-reload",
    `sudo systemctl enable ${service}`,
    "# A restart leaves running pods alone (KillMode=process) and takes up a changed configuration.",
    `sudo systemctl restart ${service}`,
    waitFor,
    "",
  ].join("\n");
}

/** Bootstrap of a server. Standard input: server token, agent token, one a line. */
export function serverScript(release: K3sRelease, facts: ServerFacts): string {
  return script({
    role: "server",
    service: "k3s",
    release,
    config: serverConfig(facts),
    secretFiles: ["token", "agent-token"],
    waitFor: `for _ in $(seq 120); do
  if sudo k3s kubectl get --raw /readyz >/dev/null 2>&1; then exit 0; fi
  sleep 1
done
echo "${facts.name}: the API server is not ready after 2 minutes." >&2
sudo systemctl status k3s --no-pager >&2 || true
exit 1`,
  });
}

/** Bootstrap of an agent. Standard input: agent token. */
export function agentScript(release: K3sRelease, facts: AgentFacts): string {
  return script({
    role: "agent",
    service: "k3s-agent",
    release,
    config: agentConfig(facts),
    secretFiles: ["agent-token"],
    waitFor: `if ! sudo systemctl is-active --quiet k3s-agent; then
  echo "${facts.name}: the agent did not start." >&2
  sudo systemctl status k3s-agent --no-pager >&2 || true
  exit 1
fi`,
  });
}
