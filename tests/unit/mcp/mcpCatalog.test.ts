import { resolveServer, type McpServer } from "../../../components/mcp/catalog";
import { checkCatalog } from "../../../components/mcp/catalogChecks";
import { mcpCatalog } from "../../../stacks/mcpCatalog";
import { furtherServers } from "../../../stacks/mcpCatalog/further";
import { planServers } from "../../../stacks/mcpCatalog/plan";

const servers: readonly McpServer[] = Object.entries(mcpCatalog).map(([name, row]) =>
  resolveServer(name, row),
);
const names = (keep: (server: McpServer) => boolean): string[] =>
  servers
    .filter(keep)
    .map(({ name }) => name)
    .sort();

const PLAN_NAMES = [
  ...["sophia_ai_intelligence", "sophia_business_intelligence", "sophia_data_intelligence"],
  ...["sophia_infrastructure", "docker", "pulumi", "lambda_labs_cli"],
  ...["github", "slack", "notion", "asana", "hubspot", "salesforce"],
  ...["postgres", "snowflake", "snowflake_admin", "snowflake_cortex"],
  ...["codacy", "playwright", "figma_context"],
];

test("the shipped catalog has no problems, even without a GPU", () => {
  expect(checkCatalog(mcpCatalog, {}, { gpuQuota: 0 })).toEqual([]);
});

test("the catalog still has no problems with every server enabled", () => {
  const all = Object.fromEntries(Object.keys(mcpCatalog).map((name) => [name, { enabled: true }]));
  expect(checkCatalog(mcpCatalog, all, { gpuQuota: 0 })).toEqual([]);
});

test("35 servers: the plan's 20 and 15 further ones, none of them twice", () => {
  expect(Object.keys(planServers).sort()).toEqual([...PLAN_NAMES].sort());
  expect(Object.keys(furtherServers)).toHaveLength(15);
  expect(servers).toHaveLength(35);
});

test("the plan's servers and the four further ones that listen are enabled", () => {
  expect(names((s) => s.enabled)).toEqual(
    [...PLAN_NAMES, "ai_memory", "linear", "ui_ux_agent", "ag_ui"].sort(),
  );
});

test("only the pulumi server holds the token that opens every environment", () => {
  expect(names((s) => s.secrets.includes("PULUMI_ACCESS_TOKEN"))).toEqual(["pulumi"]);
});

test("no row mentions a Docker socket", () => {
  expect(JSON.stringify(Object.values(mcpCatalog))).not.toContain("docker.sock");
});

test("transports", () => {
  expect(names((s) => s.transport === "stdio")).toEqual(["asana", "hubspot", "linear"]);
  expect(names((s) => s.transport === "sse")).toEqual(["docker", "postgres", "pulumi"]);
});

test("metrics are promised only by the servers built on the class that has them", () => {
  expect(names((s) => s.metrics !== undefined)).toEqual([
    "ai_memory",
    "codacy",
    "lambda_labs_cli",
    "portkey_admin",
    "snowflake_admin",
    "snowflake_cli_enhanced",
    "ui_ux_agent",
  ]);
});

test("every server says in one line what it does", () => {
  expect(
    Object.entries(mcpCatalog).filter(([, row]) => !/^[A-Z][^\n]{10,99}$/.test(row.description ?? "")),
  ).toEqual([]);
});
