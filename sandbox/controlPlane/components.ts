/** The command lines of the control plane's parts. */
import { join } from "node:path";
import type { ProcessSpec } from "../processes/supervisor";
import type { ClusterIdentities } from "./certificates";
import { MANAGED_BY_KWOK } from "./nodes";

/** Where things are, and what a start was asked for. */
export interface Layout {
  /** The control plane's data folder. */
  readonly dir: string;
  /** Folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok. */
  readonly binDir: string;
  readonly address: string;
  readonly port: number;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  /** Further `key=value` arguments of kube-apiserver. */
  readonly apiServerArgs: readonly string[];
  readonly identities: ClusterIdentities;
}

/** Keeps nodes alive for longer than kwok takes to renew a lease of 40 s. */
const NODE_LEASE_SECONDS = "40";
const NODE_GRACE = "80s";

type Flags = Readonly<Record<string, string>>;

const toArgs = (flags: Flags): string[] => Object.entries(flags).map(([name, value]) => `--${name}=${value}`);

/** The file in which each part finds the API server, or undefined for a part that doesn't ask it. */
export const kubeconfigFile = (dir: string, part: string): string => join(dir, `${part}.kubeconfig`);

function etcdFlags({ dir, etcdPort, etcdPeerPort, identities }: Layout): Flags {
  const { etcd, etcdCa } = identities;
  const clients = `https://127.0.0.1:${etcdPort}`;
  const peers = `https://127.0.0.1:${etcdPeerPort}`;
  return {
    name: "default",
    "data-dir": join(dir, "etcd"),
    "listen-client-urls": clients,
    "advertise-client-urls": clients,
    "client-cert-auth": "true",
    "trusted-ca-file": etcdCa.certFile,
    "cert-file": etcd.certFile,
    "key-file": etcd.keyFile,
    "listen-peer-urls": peers,
    "initial-advertise-peer-urls": peers,
    "initial-cluster": `default=${peers}`,
    "peer-client-cert-auth": "true",
    "peer-trusted-ca-file": etcdCa.certFile,
    "peer-cert-file": etcd.certFile,
    "peer-key-file": etcd.keyFile,
    // Losing the last writes when the machine itself loses power is fine here, and this is many times faster.
    "unsafe-no-fsync": "true",
    "log-level": "warn",
  };
}

/** The API server's flags as k3s sets them, where they matter to a client. */
export function apiServerFlags(layout: Layout): Flags {
  const { identities } = layout;
  const flags: Record<string, string> = {
    "enable-admission-plugins": "NodeRestriction",
    "anonymous-auth": "false",
    profiling: "false",
  };
  for (const arg of layout.apiServerArgs) {
    const [name = "", ...value] = arg.replace(/^--/, "").split("=");
    flags[name] = value.length === 0 ? "true" : value.join("=");
  }
  return {
    ...flags,
    "etcd-servers": `https://127.0.0.1:${layout.etcdPort}`,
    "etcd-cafile": identities.etcdCa.certFile,
    "etcd-certfile": identities.etcd.certFile,
    "etcd-keyfile": identities.etcd.keyFile,
    "bind-address": layout.address,
    "advertise-address": layout.address,
    "secure-port": String(layout.port),
    // The endpoints of the Service "kubernetes" can't be a loopback address.
    "endpoint-reconciler-type": "none",
    "service-cluster-ip-range": layout.serviceCidr,
    "authorization-mode": "Node,RBAC",
    "allow-privileged": "true",
    "client-ca-file": identities.ca.certFile,
    "tls-cert-file": identities.apiServer.certFile,
    "tls-private-key-file": identities.apiServer.keyFile,
    "requestheader-client-ca-file": identities.frontProxyCa.certFile,
    "requestheader-allowed-names": "system:auth-proxy",
    "requestheader-username-headers": "X-Remote-User",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "proxy-client-cert-file": identities.frontProxyClient.certFile,
    "proxy-client-key-file": identities.frontProxyClient.keyFile,
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": `${identities.serviceAccountKeyFile}.pub`,
    "service-account-signing-key-file": identities.serviceAccountKeyFile,
    "shutdown-delay-duration": "0s",
  };
}

function controllerManagerFlags({ dir, identities }: Layout): Flags {
  return {
    kubeconfig: kubeconfigFile(dir, "controller-manager"),
    "leader-elect": "false",
    "secure-port": "0",
    "use-service-account-credentials": "true",
    "service-account-private-key-file": identities.serviceAccountKeyFile,
    "root-ca-file": identities.ca.certFile,
    "cluster-signing-cert-file": identities.ca.certFile,
    "cluster-signing-key-file": identities.ca.keyFile,
    "node-monitor-grace-period": NODE_GRACE,
    // Its default is a folder of the machine, which it makes.
    "flex-volume-plugin-dir": join(dir, "flexvolume"),
    "kube-api-qps": "300",
    "kube-api-burst": "600",
  };
}

function schedulerFlags({ dir }: Layout): Flags {
  return {
    kubeconfig: kubeconfigFile(dir, "scheduler"),
    "leader-elect": "false",
    "secure-port": "0",
    "kube-api-qps": "300",
    "kube-api-burst": "600",
  };
}

function kwokFlags({ dir, clusterCidr }: Layout): Flags {
  return {
    kubeconfig: kubeconfigFile(dir, "kubelets"),
    config: join(dir, "stages.yaml"),
    "manage-all-nodes": "false",
    "manage-nodes-with-annotation-selector": MANAGED_BY_KWOK,
    "node-lease-duration-seconds": NODE_LEASE_SECONDS,
    cidr: clusterCidr,
  };
}

/** What runs, in the order in which it is started. */
export function components(layout: Layout): ProcessSpec[] {
  const { dir, binDir } = layout;
  const part = (name: string, flags: Flags): ProcessSpec => ({
    name,
    command: join(binDir, name),
    args: toArgs(flags),
    // Nothing may come from or go to the user's home folder.
    env: { PATH: "/usr/bin:/bin", HOME: dir },
    logFile: join(dir, "logs", `${name}.log`),
  });
  return [
    part("etcd", etcdFlags(layout)),
    part("kube-apiserver", apiServerFlags(layout)),
    part("kube-controller-manager", controllerManagerFlags(layout)),
    part("kube-scheduler", schedulerFlags(layout)),
    part("kwok", kwokFlags(layout)),
  ];
}
