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

const CORE = "sophia-core";
const GATEWAY = "sophia-mcp-gateway";
const CORE_PORT = 8000;
const GATEWAY_PORT = 8090;
const GATEWAY_CONFIG_PATH = "/config";

/** The core API answers only requests for its public name (its own allow-list), probes included. */
const CORE_HOST = "app.sophia-intel.ai";

/** Secrets that the core API reads, by canonical name. */
export const CORE_SECRETS = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "SOPHIA_SECRET_KEY"] as const;

/** What the builders of single workloads share. */
interface Context {
  readonly config: StackConfig;
  readonly namespace: pulumi.Input<string>;
  readonly secrets: SecretStore;
  readonly opts: pulumi.ComponentResourceOptions;
}

const ownImage = ({ images }: StackConfig, name: string): string =>
  `${images.registry}/${name}:${images.tag}`;

const pick = (store: SecretStore, names: readonly string[]): Record<string, pulumi.Output<string>> =>
  Object.fromEntries(names.map((name) => [name, store.get(name)]));

function buildServer(server: McpServer, { config, namespace, secrets, opts }: Context): Workload {
  return new Workload(
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
}

function buildGateway(servers: readonly McpServer[], { config, namespace, opts }: Context): Workload {
  return new Workload(
    GATEWAY,
    {
      app: GATEWAY,
      namespace,
      component: "mcp-gateway",
      image: ownImage(config, GATEWAY),
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
}

function buildCore({ config, namespace, secrets, opts }: Context): Workload {
  return new Workload(
    CORE,
    {
      app: CORE,
      namespace,
      component: "core-api",
      image: ownImage(config, "sophia-ai-main"),
      port: CORE_PORT,
      probeHost: CORE_HOST,
      replicas: config.core.replicas,
      resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { cpu: "2", memory: "4Gi" } },
      env: {
        ENVIRONMENT: config.environment,
        PORT: String(CORE_PORT),
        MCP_GATEWAY_URL: `http://${GATEWAY}.${APPS_NAMESPACE}.svc:${GATEWAY_PORT}`,
      },
      secrets: pick(secrets, CORE_SECRETS),
    },
    opts,
  );
}

/** Core API, gateway and MCP fleet in the applications' namespace. */
export function buildWorkloads(
  config: StackConfig,
  { cluster, namespaces }: Foundation,
  servers: readonly McpServer[],
  secrets: SecretStore,
): Workloads {
  const context: Context = {
    config,
    secrets,
    namespace: namespaces.apps.metadata.name,
    opts: { providers: [cluster.provider], deletedWith: cluster, dependsOn: [...cluster.joined] },
  };
  return {
    core: buildCore(context),
    gateway: buildGateway(servers, context),
    mcpServers: Object.fromEntries(servers.map((server) => [server.name, buildServer(server, context)])),
  };
}
