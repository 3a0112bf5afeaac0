import type * as pulumi from "@pulumi/pulumi";
import { HelmService } from "../components/helm/helmService";
import { charts } from "./charts";
import type { StackConfig } from "./config";
import type { Foundation } from "./foundation";

/** The platform's third-party services. */
export interface Services {
  /** Releases by name. */
  readonly releases: Readonly<Record<string, HelmService>>;
}

/** Helm releases, each in its own namespace. */
export function buildServices(config: StackConfig, { cluster, namespaces }: Foundation): Services {
  const opts: pulumi.ComponentResourceOptions = {
    providers: [cluster.provider],
    deletedWith: cluster,
    dependsOn: [...cluster.joined],
  };
  return {
    releases: {
      "node-feature-discovery": new HelmService(
        "node-feature-discovery",
        {
          chart: charts.nodeFeatureDiscovery,
          namespace: namespaces.gpuSystem.metadata.name,
          mirror: config.charts.mirror,
          environment: config.environment,
        },
        opts,
      ),
    },
  };
}
