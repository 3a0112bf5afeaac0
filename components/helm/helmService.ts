import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { SophiaComponent, type SophiaType } from "../component";
import { chartSource, mergeValues, type ChartPin, type HelmValues } from "./chart";

export const HELM_SERVICE: SophiaType = "sophia:helm:Service";

/** Helm's own time limit for a release, seconds. */
const TIMEOUT_SECONDS = 300;

export interface HelmServiceArgs {
  readonly chart: ChartPin;
  readonly namespace: pulumi.Input<string>;
  /** Folder of chart archives or a repository that replaces the chart's own. @default - the chart's own repository */
  readonly mirror?: string | undefined;
  /** Kind of stack; selects `helm-values/<release>.<environment>.yaml`. */
  readonly environment: string;
  /** Values computed by the program; they win over the files. Never a secret, only names of Secrets. @default - none */
  readonly values?: HelmValues;
}

/**
 * A third-party chart as one Helm release: pinned, atomic, with values from helm-values/ merged as Helm does.
 *
 * The release is named after the component, so `helm list` shows what the program calls it.
 */
export class HelmService extends SophiaComponent {
  /** Name of the release. */
  readonly releaseName: pulumi.Output<string>;
  /** Version of the chart that is installed. */
  readonly version: pulumi.Output<string>;

  constructor(name: string, args: HelmServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super(HELM_SERVICE, name, { chart: args.chart.name, version: args.chart.version }, opts);
    const release = new kubernetes.helm.v3.Release(
      this.childName("release"),
      {
        ...chartSource(args.chart, args.mirror),
        name,
        namespace: args.namespace,
        atomic: true,
        cleanupOnFail: true,
        maxHistory: 5,
        timeout: TIMEOUT_SECONDS,
        values: mergeValues(...readValues(name, args.environment), args.values ?? {}),
      },
      { parent: this },
    );
    this.releaseName = release.name;
    this.version = release.status.version;
    this.registerOutputs({ releaseName: this.releaseName, version: this.version });
  }
}

/** The values files of a release that exist, the general one first. */
function readValues(release: string, environment: string): HelmValues[] {
  return [`${release}.yaml`, `${release}.${environment}.yaml`]
    .map((file) => path.join("helm-values", file))
    .filter((file) => existsSync(file))
    .map((file) => (parse(readFileSync(file, "utf8")) ?? {}) as HelmValues);
}
