import type { ChartPin } from "../components/helm/chart";

/** Every third-party chart, pinned. Raising a version is a change of this table and nothing else. */
export const charts = {
  /** Hardware labels of nodes (https://kubernetes-sigs.github.io/node-feature-discovery/); GPU services select on them. */
  nodeFeatureDiscovery: {
    name: "node-feature-discovery",
    version: "0.19.0",
    repository: "oci://registry.k8s.io/nfd/charts",
  },
} as const satisfies Record<string, ChartPin>;
