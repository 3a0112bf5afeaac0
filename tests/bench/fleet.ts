/** What one more MCP server costs, from 25 to 500 of them: time of a preview, memory of the program. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { repoRoot } from "../../sandbox/paths";
import { makeProject, type Engine } from "./engine";

export interface FleetResult {
  readonly servers: number;
  /** Of one preview. */
  readonly seconds: number;
  /** Most memory that the program had, MiB. */
  readonly memoryMib: number;
}

/** Renders to files instead of a cluster, so that nothing but the program and the engine is measured. */
const program = (modules: string): string => `
const fs = require("node:fs");
const k8s = require("@pulumi/kubernetes");
const pulumi = require("@pulumi/pulumi");
const { Workload } = require(${JSON.stringify(path.join(modules, "components/app/workload.js"))});
const { resolveServer } = require(${JSON.stringify(path.join(modules, "components/mcp/catalog.js"))});
const provider = new k8s.Provider("render", { renderYamlToDirectory: "rendered", clusterIdentifier: "fleet" });
for (let i = 0; i < Number(process.env.BENCH_SERVERS); i++) {
  const { objectName: app, port, replicas, resources } = resolveServer("server_" + i, { category: "integrations" });
  const secrets = { API_TOKEN: pulumi.secret("token") };
  const args = { app, namespace: "apps", component: "mcp-server", image: "example/" + app + ":1.0.0", port, replicas, resources, secrets };
  new Workload(app, args, { providers: [provider] });
}
process.on("exit", () => fs.writeFileSync("memory", String(process.resourceUsage().maxRSS / 1024)));
`;

/** Previews fleets of the given sizes. */
export function measureFleets(engine: Engine, dir: string, sizes: readonly number[]): FleetResult[] {
  const project = makeProject(dir, "fleet", program(path.join(repoRoot, "bin")));
  engine.run(project, "stack", "init", "bench");
  return sizes.map((servers) => {
    const sized = engine.with({ BENCH_SERVERS: String(servers), KUBECONFIG: undefined });
    const seconds = sized.median(servers > 100 ? 1 : 3, project, "preview", "--stack", "bench");
    return { servers, seconds, memoryMib: Number(readFileSync(path.join(project, "memory"), "utf8")) };
  });
}
