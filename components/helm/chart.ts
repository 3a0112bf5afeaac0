/** Where a chart comes from, as pure data and functions. */

/** A chart, pinned. */
export interface ChartPin {
  /** Name in its repository. */
  readonly name: string;
  readonly version: string;
  /** Chart repository: `https://…` or `oci://…`. */
  readonly repository: string;
}

/** The arguments of a Helm release that name a chart. */
export interface ChartSource {
  readonly chart: string;
  readonly version: string;
  readonly repositoryOpts?: { readonly repo: string };
}

/**
 * Where a release takes its chart from.
 *
 * @param mirror A folder that holds `<name>-<version>.tgz`, or an `oci://` or `https://` repository; it replaces the
 *   chart's own repository. @default - the chart's own repository
 */
export function chartSource({ name, version, repository }: ChartPin, mirror?: string): ChartSource {
  const from = mirror ?? repository;
  if (from.startsWith("oci://")) return { chart: `${from.replace(/\/+$/, "")}/${name}`, version };
  if (/^https?:\/\//.test(from)) return { chart: name, version, repositoryOpts: { repo: from } };
  return { chart: `${from.replace(/\/+$/, "")}/${name}-${version}.tgz`, version };
}

/** A tree of Helm values. */
export interface HelmValues {
  readonly [key: string]: HelmValue;
}
export type HelmValue = string | number | boolean | null | readonly HelmValue[] | HelmValues;

function isTree(value: HelmValue | undefined): value is HelmValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Merges values as Helm does: maps key by key, everything else replaced, later layers win. */
export function mergeValues(...layers: readonly HelmValues[]): HelmValues {
  return layers.reduce<HelmValues>((merged, layer) => {
    const result: Record<string, HelmValue> = { ...merged };
    for (const [key, value] of Object.entries(layer)) {
      const before = result[key];
      result[key] = isTree(before) && isTree(value) ? mergeValues(before, value) : value;
    }
    return result;
  }, {});
}
