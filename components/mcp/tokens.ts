import type { SophiaType } from "../component";

export const MCP_SERVER: SophiaType = "sophia:mcp:Server";
