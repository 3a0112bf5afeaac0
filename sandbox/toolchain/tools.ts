/** The tools of the sandbox, as data. Every version is pinned by the go.mod and go.sum of the tool's folder below go/. */

/** A version as numbers: major, minor, patch. */
export type Version = readonly [major: number, minor: number, patch: number];

export interface ToolSpec {
  readonly name: string;
  /** Folder below sandbox/toolchain/go/ whose go.mod pins the tool. */
  readonly module: string;
  /** Go package of the command. */
  readonly package: string;
  readonly version: string;
  /** Go variable that holds the version. @default - the module says it by itself */
  readonly versionVariables?: Readonly<Record<string, string>>;
  /** How a tool that is on PATH already is asked for its version, and which version will do. @default - always built */
  readonly found?: { readonly args: readonly string[]; readonly fits: (version: Version) => boolean };
}

const KUBERNETES = "1.36.3";
const PULUMI = "3.259.0";
const KUBERNETES_PROVIDER = "4.25.0";
/** What the provider says it is: that of the SDK, or every run would warn that the two differ. They work together. */
const KUBERNETES_SDK = "4.34.2";

const sameMinor = (wanted: string) => {
  const [major, minor] = parseVersion(wanted) ?? [0, 0, 0];
  return (version: Version): boolean => version[0] === major && version[1] === minor;
};

const sameMajorNotOlder = (wanted: string) => {
  const [major, minor, patch] = parseVersion(wanted) ?? [0, 0, 0];
  return (version: Version): boolean =>
    version[0] === major && (version[1] > minor || (version[1] === minor && version[2] >= patch));
};

/** Reads the first version in a text such as `v3.259.0` or `Kubernetes v1.36.3`. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

const kubernetes = <Name extends string>(name: Name): ToolSpec & { readonly name: Name } => ({
  name,
  module: "kubernetes",
  package: `k8s.io/kubernetes/cmd/${name}`,
  version: KUBERNETES,
  versionVariables: {
    "k8s.io/component-base/version.gitVersion": `v${KUBERNETES}`,
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": "36",
  },
  found:
    name === "kubectl"
      ? {
          args: ["version", "--client"],
          // kubectl may differ by one minor version: https://kubernetes.io/releases/version-skew-policy/
          fits: ([major, minor]) => major === 1 && Math.abs(minor - 36) <= 1,
        }
      : { args: ["--version"], fits: sameMinor(KUBERNETES) },
});

/** In the order they are built: what a first `make up` needs soonest comes first. */
export const tools = [
  {
    name: "pulumi",
    module: "pulumi",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    version: PULUMI,
    versionVariables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI}` },
    found: { args: ["version"], fits: sameMajorNotOlder(PULUMI) },
  },
  {
    name: "pulumi-resource-kubernetes",
    module: "kubernetes-provider",
    package: "sophia/toolchain/kubernetes-provider",
    version: KUBERNETES_PROVIDER,
    versionVariables: {
      "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": KUBERNETES_SDK,
    },
  },
  {
    name: "etcd",
    module: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    version: "3.6.16",
    found: { args: ["--version"], fits: sameMinor("3.6.16") },
  },
  kubernetes("kube-apiserver"),
  kubernetes("kube-controller-manager"),
  kubernetes("kube-scheduler"),
  kubernetes("kubectl"),
  {
    name: "kwok",
    module: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    version: "0.8.0",
    versionVariables: { "sigs.k8s.io/kwok/pkg/consts.Version": "0.8.0" },
    found: { args: ["--version"], fits: sameMinor("0.8.0") },
  },
  {
    name: "helm",
    module: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    version: "3.22.0",
    versionVariables: { "helm.sh/helm/v3/internal/version.version": "v3.22.0" },
    found: { args: ["version", "--short"], fits: sameMajorNotOlder("3.22.0") },
  },
] as const satisfies readonly ToolSpec[];

export type ToolName = (typeof tools)[number]["name"];
