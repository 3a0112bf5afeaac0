import type { McpCatalog } from "../../components/mcp/catalog";
import { SNOWFLAKE, SNOWFLAKE_ADMIN } from "./snowflake";

/** The servers that the integration plan names. */
export const planServers: McpCatalog = {
  // The sophia_* servers reach a service that has its own enabled server through that server instead of holding its
  // key; they hold the keys of the services that have none.
  sophia_ai_intelligence: {
    category: "core-ai",
    description: "Chooses models, runs prompts and keeps context for the assistant",
    resources: { limits: { cpu: "800m", memory: "800Mi" } },
    needs: { databases: ["redis", "vector"], servers: ["ai_memory"] },
    secrets: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"],
  },
  sophia_business_intelligence: {
    category: "business-intelligence",
    description: "Answers questions across CRM, calls, chat and support conversations",
    needs: { databases: ["postgres"], servers: ["hubspot", "slack", "linear"] },
    secrets: [
      "OPENAI_API_KEY",
      "ANTHROPIC_API_KEY",
      "GONG_ACCESS_KEY",
      "GONG_ACCESS_KEY_SECRET",
      "INTERCOM_ACCESS_TOKEN",
    ],
  },
  sophia_data_intelligence: {
    category: "data-infrastructure",
    description: "Queries the warehouse, vector search and collected web data",
    resources: { limits: { cpu: "1", memory: "1Gi" } },
    needs: { databases: ["postgres", "vector"], servers: ["snowflake"] },
    secrets: ["PINECONE_API_KEY", "APIFY_API_TOKEN", "TAVILY_API_KEY", "ESTUARY_ACCESS_TOKEN"],
  },
  sophia_infrastructure: {
    category: "infrastructure",
    description: "Reports on and operates the platform's instances, images, stacks and repositories",
    needs: { servers: ["docker", "github", "lambda_labs_cli", "pulumi"] },
  },
  docker: {
    category: "infrastructure",
    description: "Looks up images and tags in the registry; it has no access to a node's Docker socket",
    transport: "sse",
    secrets: ["DOCKER_USER_NAME", "DOCKER_PERSONAL_ACCESS_TOKEN"],
  },
  pulumi: {
    category: "infrastructure",
    description: "Reads stacks, resources and updates from Pulumi Cloud",
    transport: "sse",
    // The only pod with this token, which opens every environment of the organization.
    secrets: ["PULUMI_ACCESS_TOKEN", "PULUMI_ORG"],
  },
  lambda_labs_cli: {
    category: "infrastructure",
    description: "Lists instances, types and prices at Lambda Cloud",
    metrics: true,
    secrets: ["LAMBDA_LABS_API_KEY"],
  },
  github: {
    category: "integrations",
    description: "Works with repositories, issues and pull requests on GitHub",
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
    secrets: ["GITHUB_TOKEN"],
  },
  slack: {
    category: "integrations",
    description: "Reads and posts messages in Slack",
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
    secrets: ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"],
  },
  notion: {
    category: "integrations",
    description: "Searches and edits pages and databases in Notion",
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
    secrets: ["NOTION_API_KEY"],
  },
  asana: {
    category: "integrations",
    description: "Works with tasks and projects in Asana",
    transport: "stdio",
    resources: { limits: { cpu: "300m" } },
    secrets: ["ASANA_ACCESS_TOKEN", "ASANA_WORKSPACE_GID"],
  },
  hubspot: {
    category: "integrations",
    description: "Searches contacts, companies and deals in HubSpot",
    transport: "stdio",
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
    needs: { databases: ["vector"] },
    secrets: ["HUBSPOT_ACCESS_TOKEN", "HUBSPOT_PORTAL_ID", "PINECONE_API_KEY"],
  },
  salesforce: {
    category: "integrations",
    description: "Queries and updates records in Salesforce",
    resources: { requests: { memory: "128Mi" } },
    secrets: [
      "SALESFORCE_CLIENT_ID",
      "SALESFORCE_CLIENT_SECRET",
      "SALESFORCE_USERNAME",
      "SALESFORCE_PASSWORD",
      "SALESFORCE_SECURITY_TOKEN",
      "SALESFORCE_INSTANCE_URL",
    ],
  },
  postgres: {
    category: "data-infrastructure",
    description: "Runs queries against the platform's PostgreSQL",
    transport: "sse",
    needs: { databases: ["postgres"] },
  },
  snowflake: {
    category: "data-infrastructure",
    description: "Runs queries in the Snowflake warehouse",
    secrets: SNOWFLAKE,
  },
  snowflake_admin: {
    category: "data-infrastructure",
    description: "Administers the Snowflake accounts of all environments in plain language",
    metrics: true,
    replicas: 2,
    resources: { limits: { memory: "1Gi" } },
    secrets: ["OPENAI_API_KEY", ...SNOWFLAKE_ADMIN],
  },
  snowflake_cortex: {
    category: "data-infrastructure",
    description: "Runs Snowflake Cortex functions: embeddings, search and completion inside the warehouse",
    secrets: [
      "SNOWFLAKE_ACCOUNT",
      "SNOWFLAKE_USER",
      "SNOWFLAKE_PASSWORD",
      "SNOWFLAKE_WAREHOUSE",
      "SNOWFLAKE_DATABASE",
    ],
  },
  codacy: {
    category: "quality-security",
    description: "Reports code quality and security findings from Codacy",
    metrics: true,
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
    secrets: ["CODACY_API_TOKEN"],
  },
  playwright: {
    category: "quality-security",
    description: "Drives a browser to look at and test web pages",
    // A browser does not fit into the default.
    resources: { requests: { memory: "512Mi" }, limits: { cpu: "1", memory: "2Gi" } },
    egress: ["internet"],
  },
  figma_context: {
    category: "integrations",
    description: "Reads layouts and styles of designs in Figma",
    secrets: ["FIGMA_PAT"],
  },
};
