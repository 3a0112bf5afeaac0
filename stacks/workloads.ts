import type * as pulumi from "@pulumi/pulumi";
import { Workload } from "../components/app/workload";
import type { McpServer } from "../components/mcp/catalog";
import { gatewayRegistry } from "../components/mcp/gatewayRegistry";
import { imageReference } from "../components/mcp/image";
import { MCP_SERVER } from "../components/mcp/tokens";
import type { SecretStore } from "../components/secrets/secretStore";
import type { StackConfig } from "./config";
import { APPS_NAMESPACE, type Foundation } from "./foundation";

/** The platform's own services. */
export interface Workloads {
  readonly core: Workload;
  readonly gateway: Workload;
  /** MCP servers by catalog name. */
  readonly mcpServers: Readonly<Record<string, Workload>>;
}

const CORE_PORT = 8000;
const GATEWAY_PORT = 8090;
const GATEWAY_CONFIG_PATH = "/config";

/** The core API answers only requests for its public name (its own allow-list), probes included. */
const CORE_HOST = "app.sophia-intel.ai";

/** Secrets that the core API reads, by canonical name. */
export const CORE_SECRETS = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "SOPHIA_SECRET_KEY"] as const;

const pick = (store: SecretStore, names: readonly string[]): Record<string, pulumi.Output<string>> =>
  Object.fromEntries(names.map((name) => [name, store.get(name)]));

/** Core API, gateway and MCP fleet in the applications' namespace. */
export function buildWorkloads(
  config: StackConfig,
  { cluster, namespaces }: Foundation,
  servers: readonly McpServer[],
  secrets: SecretStore,
): Workloads {
  const namespace = namespaces.apps.metadata.name;
  const opts: pulumi.ComponentResourceOptions = {
    providers: [cluster.provider],
    deletedWith: cluster,
    dependsOn: [...cluster.joined],
  };
  const ownImage = (name: string): string => `${config.images.registry}/${name}:${config.images.tag}`;
  const buildServer = (server: McpServer): Workload =>
    new Workload(
      server.objectName,
      {
        app: server.objectName,
        namespace,
        component: "mcp-server",
        image: imageReference(server, config.images),
        port: server.port,
        healthPath: server.healthPath,
        probeHost: server.probeHost,
        replicas: server.replicas,
        resources: server.resources,
        gpus: server.gpus,
        labels: { "sophia-ai/mcp-category": server.category },
        env: { ...server.env, PORT: String(server.port), MCP_SERVER_PORT: String(server.port) },
        secrets: pick(secrets, server.secrets),
      },
      opts,
      MCP_SERVER,
    );
  const gateway = new Workload(
    "sophia-mcp-gateway",
    {
      app: "sophia-mcp-gateway",
      namespace,
      component: "mcp-gateway",
      image: ownImage("sophia-mcp-gateway"),
      port: GATEWAY_PORT,
      replicas: config.gateway.replicas,
      resources: { requests: { cpu: "200m", memory: "256Mi" }, limits: { cpu: "1", memory: "1Gi" } },
      env: { PORT: String(GATEWAY_PORT), SERVERS_CONFIG_PATH: `${GATEWAY_CONFIG_PATH}/servers.json` },
      config: {
        path: GATEWAY_CONFIG_PATH,
        files: { "servers.json": gatewayRegistry(servers, APPS_NAMESPACE) },
      },
    },
    opts,
  );
  const core = new Workload(
    "sophia-core",
    {
      app: "sophia-core",
      namespace,
      component: "core-api",
      image: ownImage("sophia-ai-main"),
      port: CORE_PORT,
      probeHost: CORE_HOST,
      replicas: config.core.replicas,
      resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { cpu: "2", memory: "4Gi" } },
      env: {
        ENVIRONMENT: config.environment,
        PORT: String(CORE_PORT),
        MCP_GATEWAY_URL: `http://sophia-mcp-gateway.${APPS_NAMESPACE}.svc:${GATEWAY_PORT}`,
      },
      secrets: pick(secrets, CORE_SECRETS),
    },
    opts,
  );
  return {
    core,
    gateway,
    mcpServers: Object.fromEntries(servers.map((server) => [server.name, buildServer(server)])),
  };
}
