import * as pulumi from "@pulumi/pulumi";
import { resolveServer, type McpServer } from "../components/mcp/catalog";
import { configuredSecrets, GeneratedSecrets } from "../components/secrets/secretStore";
import type { StackConfig } from "./config";
import { buildFoundation } from "./foundation";
import { mcpCatalog } from "./mcpCatalog";
import { buildServices } from "./services";
import { buildWorkloads, type Workloads } from "./workloads";

/** The servers that this stack deploys, rows and overrides resolved. */
export function enabledServers(config: Pick<StackConfig, "mcp">): McpServer[] {
  return Object.entries(mcpCatalog)
    .map(([name, row]) => resolveServer(name, row, config.mcp.servers[name]))
    .filter(({ enabled }) => enabled);
}

/** Name of every Deployment of ours, which is that of its Service, by component. */
function deployments({ core, gateway, mcpServers }: Workloads): pulumi.Inputs {
  const servers = Object.values(mcpServers).map(({ serviceName }) => serviceName);
  return { "core-api": [core.serviceName], "mcp-gateway": [gateway.serviceName], "mcp-server": servers };
}

/** Builds the layers in order and says what a user of the stack needs to know. */
export function buildPlatform(config: StackConfig): pulumi.Inputs {
  const settings = new pulumi.Config();
  const secrets =
    config.secretSource === "generated"
      ? new GeneratedSecrets("stand-in-secrets")
      : configuredSecrets(settings.requireSecretObject<Record<string, string>>("secrets"));

  const foundation = buildFoundation(config, settings.requireSecret("sshPrivateKey"));
  const services = buildServices(config, foundation);
  const workloads = buildWorkloads(config, foundation, enabledServers(config), secrets);

  return {
    instances: Object.fromEntries(
      Object.entries(foundation.instances).map(([name, instance]) => [
        name,
        {
          id: instance.id,
          ip: instance.ip,
          instanceType: instance.instanceType,
          region: instance.region,
          gpus: instance.gpus,
          hourlyPriceUsd: instance.hourlyPriceUsd,
        },
      ]),
    ),
    costPerHourUsd: foundation.costPerHourUsd,
    costPerMonthUsd: foundation.costPerMonthUsd,
    apiUrl: foundation.cluster.apiUrl,
    kubeconfig: foundation.cluster.kubeconfig,
    releases: Object.fromEntries(
      Object.entries(services.releases).map(([name, { version }]) => [name, version]),
    ),
    coreUrl: pulumi.interpolate`http://${workloads.core.host}:${workloads.core.port}`,
    gatewayUrl: pulumi.interpolate`http://${workloads.gateway.host}:${workloads.gateway.port}`,
    workloads: deployments(workloads),
  };
}
