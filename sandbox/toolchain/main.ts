import { ensureChartMirror } from "./charts";
import { ensureToolchain } from "./toolchain";

/** Builds what is missing and prints the tools: `node bin/sandbox/toolchain/main.js`. */
async function main(): Promise<void> {
  const { tools } = await ensureToolchain();
  const charts = await ensureChartMirror({ helm: tools.helm.path });
  const rows = Object.entries(tools).map(([name, { version, origin, path }]) => ({
    name,
    version,
    origin,
    path,
  }));
  console.table([...rows, { name: "charts", version: "", origin: "built", path: charts.dir }]);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
