/**
 * The vocabulary of the MCP catalog: what a row may say, what it means when it says nothing, and how a stack may
 * change it. Pure data and functions; `catalogChecks.ts` holds the cross checks.
 */
import { z } from "zod";

/** Routing groups of the gateway. */
export const MCP_CATEGORIES = [
  "core-ai",
  "business-intelligence",
  "data-infrastructure",
  "integrations",
  "quality-security",
  "infrastructure",
] as const;
export type McpCategory = (typeof MCP_CATEGORIES)[number];

/** How a server is spoken to. `stdio` servers listen on no port and need a bridge in front. */
export const MCP_TRANSPORTS = ["http", "sse", "stdio"] as const;
export type McpTransport = (typeof MCP_TRANSPORTS)[number];

/** Databases of the platform that a server can be given access to. */
export const MCP_DATABASES = ["postgres", "redis", "vector"] as const;
export type McpDatabase = (typeof MCP_DATABASES)[number];

/** Destinations outside the platform that a server's network policy lets through. */
export const MCP_EGRESS = ["internet"] as const;
export type McpEgress = (typeof MCP_EGRESS)[number];

/** CPU and memory as Kubernetes quantities; a bare number means cores or bytes. */
export interface McpQuantities {
  readonly cpu?: string | number;
  readonly memory?: string | number;
}

/** One row of the catalog: what is particular to one MCP server. */
export interface McpServerRow {
  /** Routing group of the gateway. */
  readonly category: McpCategory;
  /** What the server does, in one line. @default - `MCP server <name>` */
  readonly description?: string;
  /** Whether stacks deploy the server. @default true */
  readonly enabled?: boolean;
  /** How the server is spoken to. @default "http" */
  readonly transport?: McpTransport;
  /** Port that the container listens on. @default 8080 */
  readonly port?: number;
  /** Path of the health check, on the same port. @default "/health" */
  readonly healthPath?: string;
  /** Host header of probes, for servers that refuse unknown hosts. @default - the pod's address */
  readonly probeHost?: string;
  /** Whether the server exposes Prometheus metrics on its port: `true` means at `/metrics`. @default false */
  readonly metrics?: boolean | { readonly path: string };
  /** Number of pods. @default 1 */
  readonly replicas?: number;
  /** CPU and memory. @default requests 100m and 256Mi, limits 500m and 512Mi, each value by itself */
  readonly resources?: { readonly requests?: McpQuantities; readonly limits?: McpQuantities };
  /** Whole GPUs for each pod. @default 0 */
  readonly gpus?: number;
  /** What the server cannot work without; network policies and connection variables follow from it. @default - nothing */
  readonly needs?: {
    readonly databases?: readonly McpDatabase[];
    /** Catalog names of other servers. */
    readonly servers?: readonly string[];
  };
  /**
   * Canonical names of the environment variables whose values come from the secret store, whether they are secret
   * or only particular to an account. Credentials of the platform's own databases come with `needs`. @default - none
   */
  readonly secrets?: readonly string[];
  /** Plain environment variables; never a secret, never the port. @default - none */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the server may connect to outside the platform. @default - the internet if it has `secrets`, else nowhere */
  readonly egress?: readonly McpEgress[];
  /** Image repository, without tag or digest. @default - `sophia-mcp-<Kubernetes name>` in the platform's registry */
  readonly image?: string;
  /** Immutable image tag. @default - the release of the platform's own images */
  readonly tag?: string;
  /** Image digest, `sha256:` and 64 hexadecimal digits; wins over the tag. @default - none */
  readonly digest?: string;
}

/** The servers by catalog name: the plan's spelling, with underscores. */
export type McpCatalog = Readonly<Record<string, McpServerRow>>;

/** What a stack may change in a row. */
export type McpServerOverride = Pick<
  McpServerRow,
  "enabled" | "replicas" | "image" | "tag" | "digest" | "resources" | "gpus" | "env"
>;

const quantity = z.union([z.string(), z.number()]);
const quantities = z.strictObject({
  cpu: quantity.exactOptional().describe('Cores as a Kubernetes quantity, such as "500m".'),
  memory: quantity.exactOptional().describe('Bytes as a Kubernetes quantity, such as "512Mi".'),
});

/**
 * The shape of one entry of `mcp.servers` in a stack's configuration; unknown fields are refused. Shape only: what
 * the values must be is checked by `checkCatalog` on the row and its override together.
 */
export const mcpServerOverrideSchema = z.strictObject({
  enabled: z.boolean().exactOptional().describe("Whether the server is deployed."),
  replicas: z.number().exactOptional().describe("Number of pods."),
  image: z.string().exactOptional().describe("Image repository, without tag or digest."),
  tag: z.string().exactOptional().describe("Immutable image tag."),
  digest: z
    .string()
    .exactOptional()
    .describe("Image digest, sha256:<64 hexadecimal digits>; wins over the tag."),
  resources: z
    .strictObject({ requests: quantities.exactOptional(), limits: quantities.exactOptional() })
    .exactOptional()
    .describe("CPU and memory; what is left out stays as in the catalog."),
  gpus: z.number().exactOptional().describe("Whole GPUs for each pod."),
  env: z
    .record(z.string(), z.string())
    .exactOptional()
    .describe("Plain environment variables, added to the catalog's."),
}) satisfies z.ZodType<McpServerOverride>;

/** The shape of a whole row. The compiler checks rows as they are written; this catches what a cast or spread hides. */
export const mcpServerRowSchema = z.strictObject({
  ...mcpServerOverrideSchema.shape,
  category: z.enum(MCP_CATEGORIES),
  description: z.string().exactOptional(),
  transport: z.enum(MCP_TRANSPORTS).exactOptional(),
  port: z.number().exactOptional(),
  healthPath: z.string().exactOptional(),
  probeHost: z.string().exactOptional(),
  metrics: z.union([z.boolean(), z.strictObject({ path: z.string() })]).exactOptional(),
  needs: z
    .strictObject({
      databases: z.array(z.enum(MCP_DATABASES)).exactOptional(),
      servers: z.array(z.string()).exactOptional(),
    })
    .exactOptional(),
  secrets: z.array(z.string()).exactOptional(),
  egress: z.array(z.enum(MCP_EGRESS)).exactOptional(),
}) satisfies z.ZodType<McpServerRow>;

/** CPU and memory, both given. */
export interface McpResolvedQuantities {
  readonly cpu: string;
  readonly memory: string;
}

/** A server as it is deployed: a row with its override applied and every default filled in. */
export interface McpServer {
  /** Name in the catalog, with underscores. */
  readonly name: string;
  /** Name with dashes, as Kubernetes wants it. */
  readonly k8sName: string;
  /** Name of the server's Kubernetes objects and value of its `app` label: `sophia-mcp-<k8sName>`. */
  readonly objectName: string;
  /** Path on the gateway: `/mcp/<k8sName>`. */
  readonly route: string;
  readonly category: McpCategory;
  readonly description: string;
  readonly enabled: boolean;
  readonly transport: McpTransport;
  readonly port: number;
  readonly healthPath: string;
  /** `undefined`: probes use the pod's address. */
  readonly probeHost: string | undefined;
  /** `undefined`: the server has no metrics. */
  readonly metrics: { readonly path: string } | undefined;
  readonly replicas: number;
  readonly resources: { readonly requests: McpResolvedQuantities; readonly limits: McpResolvedQuantities };
  readonly gpus: number;
  readonly needs: { readonly databases: readonly McpDatabase[]; readonly servers: readonly string[] };
  readonly secrets: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly egress: readonly McpEgress[];
  /** Image repository; `undefined`: `objectName` in the platform's registry. */
  readonly image: string | undefined;
  /** `undefined`: the release of the platform's own images. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DEFAULT_REQUESTS: McpResolvedQuantities = { cpu: "100m", memory: "256Mi" };
const DEFAULT_LIMITS: McpResolvedQuantities = { cpu: "500m", memory: "512Mi" };

/** The name as Kubernetes wants it: object names may not contain underscores. */
export function k8sName(name: string): string {
  return name.replaceAll("_", "-");
}

/** The name of a server's Kubernetes objects, which is also the value of its `app` label. */
export function mcpObjectName(name: string): string {
  return `sophia-mcp-${k8sName(name)}`;
}

/** Where the gateway serves a server. */
export function mcpRoute(name: string): string {
  return `/mcp/${k8sName(name)}`;
}

function resolveQuantities(
  defaults: McpResolvedQuantities,
  ...layers: (McpQuantities | undefined)[]
): McpResolvedQuantities {
  const { cpu, memory } = layers.reduce<McpQuantities>(
    (merged, layer) => ({ ...merged, ...layer }),
    defaults,
  );
  return { cpu: String(cpu), memory: String(memory) };
}

function resolveMetrics(metrics: McpServerRow["metrics"] = false): McpServer["metrics"] {
  if (typeof metrics === "object") return metrics;
  return metrics ? { path: "/metrics" } : undefined;
}

/**
 * Applies a stack's override to a row and fills in every default. An override that names an image, a tag or a digest
 * replaces the row's tag and digest together, because a digest belongs to one image.
 */
export function resolveServer(name: string, row: McpServerRow, override: McpServerOverride = {}): McpServer {
  const secrets = row.secrets ?? [];
  const pin = (override.image ?? override.tag ?? override.digest) === undefined ? row : override;
  return {
    name,
    k8sName: k8sName(name),
    objectName: mcpObjectName(name),
    route: mcpRoute(name),
    category: row.category,
    description: row.description ?? `MCP server ${name}`,
    enabled: override.enabled ?? row.enabled ?? true,
    transport: row.transport ?? "http",
    port: row.port ?? 8080,
    healthPath: row.healthPath ?? "/health",
    probeHost: row.probeHost,
    metrics: resolveMetrics(row.metrics),
    replicas: override.replicas ?? row.replicas ?? 1,
    resources: {
      requests: resolveQuantities(DEFAULT_REQUESTS, row.resources?.requests, override.resources?.requests),
      limits: resolveQuantities(DEFAULT_LIMITS, row.resources?.limits, override.resources?.limits),
    },
    gpus: override.gpus ?? row.gpus ?? 0,
    needs: { databases: row.needs?.databases ?? [], servers: row.needs?.servers ?? [] },
    secrets,
    env: { ...row.env, ...override.env },
    egress: row.egress ?? (secrets.length > 0 ? ["internet"] : []),
    image: override.image ?? row.image,
    tag: pin.tag,
    digest: pin.digest,
  };
}
