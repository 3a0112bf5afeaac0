import type { McpCatalog } from "../components/mcp/catalog";
import { furtherServers } from "./mcpCatalog/further";
import { planServers } from "./mcpCatalog/plan";

/**
 * The MCP servers, one row each, by the plan's names. A new server is a new row: what a row may say, and what it
 * means when it says nothing, is documented at `McpServerRow`.
 */
export const mcpCatalog: McpCatalog = { ...planServers, ...furtherServers };
