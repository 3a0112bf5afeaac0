import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import * as path from "node:path";
import { cacheDir } from "../paths";
import { step, toStderr, type ProgressSink } from "../progress";
import { moduleDir, moduleKey } from "./goModule";

/** A chart that its project publishes inside a Go module. */
interface ModuleChart {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  /** Go module, pinned by go/charts/go.mod. */
  readonly module: string;
  /** Folder of the chart in the module. */
  readonly folder: string;
}

/** The charts of the mirror. Versions are set when packaging, as the projects' own releases do. */
export const mirrorCharts: readonly ModuleChart[] = [
  {
    name: "node-feature-discovery",
    version: "0.19.0",
    appVersion: "v0.19.0",
    module: "sigs.k8s.io/node-feature-discovery",
    folder: "deployment/helm/node-feature-discovery",
  },
];

export interface ChartMirrorOptions {
  /** The helm command. */
  readonly helm: string;
  /** @default - `cacheDir()` */
  readonly cache?: string;
  readonly sink?: ProgressSink;
}

/** Makes sure that the mirror is there: a folder of `<name>-<version>.tgz`, packaged once from pinned Go modules. */
export async function ensureChartMirror({
  helm,
  cache = cacheDir(),
  sink = toStderr,
}: ChartMirrorOptions): Promise<{ dir: string }> {
  const dir = path.join(cache, `charts-${moduleKey("charts", JSON.stringify(mirrorCharts))}`);
  const missing = mirrorCharts.filter(
    ({ name, version }) => !existsSync(path.join(dir, `${name}-${version}.tgz`)),
  );
  if (missing.length === 0) return { dir };
  mkdirSync(dir, { recursive: true });
  mkdirSync(path.join(cache, "logs"), { recursive: true });
  for (const chart of missing) {
    await step(
      `packaging chart ${chart.name} ${chart.version}`,
      () => packageChart(chart, helm, dir, cache),
      sink,
    );
  }
  return { dir };
}

async function packageChart(chart: ModuleChart, helm: string, dir: string, cache: string): Promise<void> {
  const source = await moduleDir("charts", chart.module, path.join(cache, "logs", "charts.log"));
  const work = mkdtempSync(path.join(cache, "chart-"));
  try {
    const args = [
      "package",
      path.join(source, chart.folder),
      "--version",
      chart.version,
      "--app-version",
      chart.appVersion,
      "-d",
      work,
    ];
    execFileSync(helm, args, { stdio: ["ignore", "ignore", "pipe"] });
    const archive = `${chart.name}-${chart.version}.tgz`;
    renameSync(path.join(work, archive), path.join(dir, archive));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
