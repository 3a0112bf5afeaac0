/** `npm run bench`: ratios, all from one run on one machine. The goals are the design's; nothing here fails for being slow. */
import * as path from "node:path";
import { repoRoot } from "../../sandbox/paths";
import { step } from "../../sandbox/progress";
import { TestSandbox } from "../support/sandbox";
import { compareWithBare, type BareResult } from "./bare";
import { Engine } from "./engine";
import { measureFleets, type FleetResult } from "./fleet";

const SIZES = [25, 100, 500];

interface Line {
  readonly what: string;
  readonly measured: string;
  readonly ratio: string;
  readonly goal: string;
}

const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)}x`;
const seconds = (s: number): string => `${s.toFixed(1)} s`;

function bareLines({ resources, preview, noChangeUp }: BareResult): Line[] {
  const line = (what: string, { ours, bare }: { ours: number; bare: number }): Line => ({
    what,
    measured: `${seconds(ours)} of ${resources.ours} resources, bare ${seconds(bare)} of ${resources.bare}`,
    ratio: ratio(ours, bare),
    goal: "1.15x or less",
  });
  return [line("preview", preview), line("no-change up", noChangeUp)];
}

function fleetLines(fleets: readonly FleetResult[]): Line[] {
  const [first] = fleets;
  if (first === undefined) return [];
  return fleets.slice(1).map((fleet) => ({
    what: `${fleet.servers} MCP servers, each against one of ${first.servers}`,
    measured: `${seconds(fleet.seconds)}, ${Math.round(fleet.memoryMib)} MiB; ${first.servers}: ${seconds(first.seconds)}, ${Math.round(first.memoryMib)} MiB`,
    ratio: `${ratio(fleet.seconds / fleet.servers, first.seconds / first.servers)} time, ${ratio(fleet.memoryMib / fleet.servers, first.memoryMib / first.servers)} memory`,
    goal: "flat: 1x or less",
  }));
}

async function main(): Promise<void> {
  const sandbox = new TestSandbox();
  try {
    const { code, output } = await step("bringing a sandbox up", () => sandbox.run("up"));
    if (code !== 0) throw new Error(output);
    const engine = await Engine.in(sandbox);
    const bare = await step("against a bare program", () =>
      Promise.resolve(compareWithBare(engine, sandbox, repoRoot)),
    );
    const fleets = await step("fleets", () =>
      Promise.resolve(measureFleets(engine, path.dirname(sandbox.dir), SIZES)),
    );
    if (process.argv.includes("--json")) console.log(JSON.stringify({ bare, fleets }, null, 2));
    else console.table([...bareLines(bare), ...fleetLines(fleets)]);
  } finally {
    await sandbox.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
