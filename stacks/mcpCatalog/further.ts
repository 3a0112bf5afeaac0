import type { McpCatalog } from "../../components/mcp/catalog";
import { SNOWFLAKE } from "./snowflake";

/**
 * The servers that the application's repository has beyond the plan. Only those in which something listens are
 * enabled; each of the others waits for a working image, then for `enabled: true` in a stack's `mcp.servers`.
 */
export const furtherServers: McpCatalog = {
  ai_memory: {
    category: "core-ai",
    description: "Stores and recalls what the assistant has learned",
    metrics: true,
    replicas: 2,
    resources: { requests: { cpu: "200m", memory: "512Mi" }, limits: { cpu: "1", memory: "2Gi" } },
    needs: { databases: ["redis", "vector"] },
    secrets: ["OPENAI_API_KEY", "PINECONE_API_KEY", ...SNOWFLAKE],
  },
  linear: {
    category: "integrations",
    description: "Works with issues and projects in Linear",
    transport: "stdio",
    resources: { limits: { cpu: "300m" } },
    secrets: ["LINEAR_API_KEY", "LINEAR_TEAM_ID"],
  },
  ui_ux_agent: {
    category: "quality-security",
    description: "Reviews and generates user-interface components",
    metrics: true,
  },
  ag_ui: {
    category: "core-ai",
    description: "Streams agent events to user interfaces",
  },
  portkey_admin: {
    category: "core-ai",
    description: "Manages model routes, keys and budgets in Portkey",
    enabled: false,
    metrics: true,
    secrets: ["PORTKEY_API_KEY"],
  },
  openrouter_search: {
    category: "core-ai",
    description: "Finds models and their prices on OpenRouter",
    enabled: false,
    secrets: ["OPENROUTER_API_KEY"],
  },
  huggingface_ai: {
    category: "core-ai",
    description: "Finds and calls models on Hugging Face",
    enabled: false,
    secrets: ["HUGGINGFACE_API_TOKEN"],
  },
  graphiti: {
    category: "core-ai",
    description: "Keeps a knowledge graph that changes over time",
    enabled: false,
  },
  apollo: {
    category: "business-intelligence",
    description: "Finds companies and contacts in Apollo",
    enabled: false,
    resources: { requests: { memory: "128Mi" } },
    secrets: ["APOLLO_API_KEY"],
  },
  intercom: {
    category: "integrations",
    description: "Reads support conversations in Intercom",
    enabled: false,
    secrets: ["INTERCOM_ACCESS_TOKEN", "INTERCOM_APP_ID"],
  },
  apify_intelligence: {
    category: "data-infrastructure",
    description: "Collects web data with Apify actors",
    enabled: false,
    secrets: ["APIFY_API_TOKEN"],
  },
  bright_data: {
    category: "data-infrastructure",
    description: "Collects web data through Bright Data",
    enabled: false,
    egress: ["internet"],
  },
  snowflake_cli_enhanced: {
    category: "data-infrastructure",
    description: "Runs Snowflake's command-line operations",
    enabled: false,
    metrics: true,
    secrets: SNOWFLAKE,
  },
  estuary_flow_cli: {
    category: "data-infrastructure",
    description: "Operates Estuary Flow captures and materializations",
    enabled: false,
    secrets: ["ESTUARY_ACCESS_TOKEN", "ESTUARY_TENANT"],
  },
  migration_orchestrator: {
    category: "data-infrastructure",
    description: "Plans and follows migrations of business data between services",
    enabled: false,
    needs: { databases: ["postgres"] },
  },
};
