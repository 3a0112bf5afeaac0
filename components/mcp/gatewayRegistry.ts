import type { McpServer } from "./catalog";

/**
 * The gateway's registry, `servers.json`: how each server is found and checked, by catalog name. Keys are sorted, so
 * that the registry changes only when the fleet does.
 *
 * @param namespace Namespace of the servers' Services
 */
export function gatewayRegistry(servers: readonly McpServer[], namespace: string): string {
  const entries = [...servers]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((server) => [
      server.name,
      {
        type: server.transport,
        category: server.category,
        service: server.objectName,
        port: server.port,
        url: `http://${server.objectName}.${namespace}.svc:${server.port}`,
        route: server.route,
        health_check: server.healthPath,
      },
    ]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}
