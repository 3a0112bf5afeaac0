/** What a stack may be configured with: every setting with its type, default and meaning. */
import { z } from "zod";
import { FILE_SYSTEM_NAME, MAX_FILE_SYSTEM_NAME_LENGTH } from "../components/lambda-cloud/schemas";
import { lambdaSection } from "../components/lambda-cloud/settings";
import { mcpServerOverrideSchema } from "../components/mcp/catalog";

const dnsLabel = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
    "a lower-case name of letters, digits and dashes, at most 32 long",
  );
const port = z.int().min(1).max(65535);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 digest in 64 hexadecimal digits");

const nodePool = z
  .strictObject({
    role: z.enum(["server", "agent"]).describe("server: control plane; agent: worker."),
    count: z.int().min(1).max(100).default(1).describe("Number of nodes."),
    instanceTypes: z
      .array(z.string().min(1))
      .min(1)
      .describe("Lambda instance types in order of preference."),
    regions: z
      .array(z.string().min(1))
      .min(1)
      .describe(
        "Lambda regions in order of preference; all regions of a type are tried before the next type.",
      ),
    imageFamily: z
      .string()
      .min(1)
      .default("lambda-stack-24-04")
      .describe("Image family the node boots from."),
    labels: z
      .record(
        z.string(),
        z
          .string()
          .regex(
            /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/,
            "a label value of at most 63 letters, digits, -, _ and .",
          ),
      )
      .default({})
      .describe(
        "Kubernetes node labels, set at registration; the kubelet may not set those of kubernetes.io and k8s.io.",
      ),
    taints: z
      .array(
        z
          .string()
          .regex(
            /^[^:=]+(=[^:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/,
            "key[=value]:NoSchedule|PreferNoSchedule|NoExecute",
          ),
      )
      .default([])
      .describe("Kubernetes node taints, set at registration."),
    fileSystems: z
      .array(z.string())
      .default([])
      .describe(
        "Names of `fileSystems` that are mounted at /lambda/nfs/<name>; nodes are placed in their region only.",
      ),
    waitForCapacityMinutes: z
      .int()
      .min(0)
      .default(0)
      .describe("How long room is waited for when Lambda has none for a new node, minutes."),
    replacement: z
      .enum(["create-first", "delete-first"])
      .default("create-first")
      .describe(
        "Order in which a node is replaced. create-first needs room for two and pays for both meanwhile; delete-first may lose the only machine there is.",
      ),
  })
  .describe("A pool of nodes with the same instance type list.");

const fileSystem = z
  .strictObject({
    region: z.string().min(1).describe("Lambda region; only nodes there can mount it."),
    name: z
      .string()
      .max(MAX_FILE_SYSTEM_NAME_LENGTH)
      .regex(FILE_SYSTEM_NAME, "a letter, then letters, digits and dashes")
      .optional()
      .describe("Name in the Lambda account. Default: made from the stack and its name here."),
    adopt: z
      .string()
      .min(1)
      .optional()
      .describe("Id of a file system that exists already; give its name, too. Default: one is made."),
    protect: z
      .boolean()
      .default(true)
      .describe("Refuse to delete or replace it, which would delete its data."),
  })
  .describe("A file system that outlives the nodes.");

const cluster = z
  .strictObject({
    name: dnsLabel
      .default("sophia")
      .describe(
        "Cluster name; part of every node's name and of the Kubernetes provider's fixed identity. Changing it rebuilds the cluster.",
      ),
    k3sVersion: z
      .string()
      .regex(/^v\d+\.\d+\.\d+\+k3s\d+$/, "a k3s release such as v1.36.3+k3s1")
      .default("v1.36.3+k3s1")
      .describe("k3s release."),
    k3sDownloadUrl: z
      .url()
      .default("https://github.com/k3s-io/k3s/releases/download")
      .describe(
        "Where <version>/k3s, <version>/k3s-arm64 and <version>/sha256sum-<arch>.txt are served: the releases, or a mirror of them.",
      ),
    k3sSha256: z
      .strictObject({ amd64: sha256.optional(), arm64: sha256.optional() })
      .default({})
      .describe(
        "Pinned digest of the k3s binary by architecture. Default: the digest that the release publishes beside the binary.",
      ),
    sshUser: z.string().min(1).default("ubuntu").describe("User that the node image gives sudo to."),
    sshPort: port.default(22).describe("SSH port of the nodes."),
    apiPort: port.default(6443).describe("Port of the Kubernetes API server on the server node."),
    tlsSans: z
      .array(z.string().min(1))
      .default([])
      .describe("Further names and addresses in the API server's certificate."),
  })
  .describe("The k3s cluster.");

const images = z
  .strictObject({
    registry: z
      .string()
      .regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/, "a registry and path such as docker.io/scoobyjava15")
      .default("docker.io/scoobyjava15")
      .describe("Registry and path that the platform's images are pulled from."),
    tag: z
      .string()
      .regex(/^[\w][\w.-]{0,127}$/, "an image tag")
      .default("2.0.0")
      .describe("Release of the platform's own images."),
  })
  .describe("The platform's own images.");

const replicas = (count: number) => z.int().min(0).max(50).default(count).describe("Number of pods.");

/** Every section of a stack's configuration; the reference page docs/configuration.md is generated from it. */
export const sections = {
  environment: z.enum(["local", "staging", "prod"]).describe("Which kind of stack this is."),
  lambda: lambdaSection.prefault({}),
  nodes: z
    .record(dnsLabel, nodePool)
    .describe("Node pools by name. Exactly one server node is supported today."),
  fileSystems: z
    .record(dnsLabel, fileSystem)
    .default({})
    .describe("File systems by name; nodes mount those that their pool names."),
  cluster: cluster.prefault({}),
  images: images.prefault({}),
  charts: z
    .strictObject({
      mirror: z
        .string()
        .min(1)
        .optional()
        .describe(
          "A folder of chart archives or an oci:// or https:// repository that replaces every chart's own. Default: each chart's own repository.",
        ),
    })
    .prefault({})
    .describe("Where Helm charts come from."),
  core: z
    .strictObject({ replicas: replicas(2) })
    .prefault({})
    .describe("The core API."),
  gateway: z
    .strictObject({ replicas: replicas(2) })
    .prefault({})
    .describe("The MCP gateway."),
  mcp: z
    .strictObject({
      gpuQuota: z.int().min(0).default(4).describe("Most GPUs that all MCP servers together may ask for."),
      servers: z
        .record(z.string(), mcpServerOverrideSchema)
        .default({})
        .describe("Changes to single rows of the MCP catalog, by server name."),
    })
    .prefault({})
    .describe("The MCP fleet."),
  secretSource: z
    .enum(["config", "generated"])
    .default("config")
    .describe(
      "config: application secrets are read from `secrets`; generated: random stand-ins are made (local work only).",
    ),
  sshPublicKey: z
    .string()
    .regex(
      /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$/,
      "an OpenSSH public key",
    )
    .describe("Public key that is put on every node."),
} as const;

/** Sections whose values are secret: they are checked here and read as Outputs, never as plain values. */
export const secretSections = {
  sshPrivateKey: z
    .string()
    .regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key in PEM or OpenSSH format")
    .describe("Private half of sshPublicKey."),
  lambdaApiKey: z
    .string()
    .min(1)
    .optional()
    .describe("Lambda Cloud API key, where LAMBDA_LABS_API_KEY is not in the environment."),
  secrets: z
    .record(z.string(), z.string())
    .optional()
    .describe("Application secrets by canonical environment-variable name, with secretSource config."),
} as const;

type Sections = typeof sections;

/** A stack's configuration, checked and complete: every default is filled in. */
export type StackConfig = { readonly [K in keyof Sections]: z.output<Sections[K]> };
export type NodePool = z.output<typeof nodePool>;
