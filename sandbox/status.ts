/** What a sandbox's stack looks like right now, from the stack's outputs and the cluster itself. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { pulumi, STACK, type Workspace } from "./workspace";
import { writePrivate } from "./files";
import type { SandboxSettings } from "./settings";

/** Where the platform's own workloads are. */
const APPS_NAMESPACE = "sophia-ai";

const outputsSchema = z.looseObject({
  instances: z.record(
    z.string(),
    z.object({
      id: z.string(),
      ip: z.string(),
      instanceType: z.string(),
      region: z.string(),
      gpus: z.number(),
      hourlyPriceUsd: z.number(),
    }),
  ),
  costPerHourUsd: z.number(),
  costPerMonthUsd: z.number(),
  apiUrl: z.string(),
  kubeconfig: z.string(),
  releases: z.record(z.string(), z.string()),
  coreUrl: z.string(),
  gatewayUrl: z.string(),
  /** Deployments that there should be, by component. */
  workloads: z.record(z.string(), z.array(z.string())),
});

export type StackOutputs = z.infer<typeof outputsSchema>;

const nodesSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({
        capacity: z.record(z.string(), z.string()).default({}),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      }),
    }),
  ),
});

const workloadsSchema = z.object({
  items: z.array(
    z.object({
      kind: z.enum(["Deployment", "DaemonSet"]),
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        labels: z.record(z.string(), z.string()).default({}),
      }),
      spec: z.object({ replicas: z.number().optional() }),
      status: z.object({
        readyReplicas: z.number().optional(),
        numberReady: z.number().optional(),
        desiredNumberScheduled: z.number().optional(),
      }),
    }),
  ),
});

export interface Readiness {
  readonly name: string;
  readonly namespace: string;
  readonly component: string;
  readonly ready: number;
  readonly wanted: number;
}

export interface StackStatus {
  readonly outputs: StackOutputs;
  readonly nodes: readonly { readonly name: string; readonly ready: boolean; readonly gpus: number }[];
  readonly workloads: readonly Readiness[];
}

/** The stack's outputs; undefined before the first successful update and after a destroy. */
export async function stackOutputs(workspace: Workspace): Promise<StackOutputs | undefined> {
  const { code, stdout } = await pulumi(workspace, [
    "stack",
    "output",
    "--json",
    "--show-secrets",
    "--stack",
    STACK,
  ]);
  const parsed = code === 0 ? outputsSchema.safeParse(JSON.parse(stdout)) : undefined;
  return parsed?.data;
}

export const kubeconfigFile = (dir: string): string => path.join(dir, "kubeconfig");

async function kubectl(workspace: Workspace, args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    "kubectl",
    ["--kubeconfig", kubeconfigFile(workspace.dir), "--request-timeout=10s", ...args, "-o", "json"],
    { env: workspace.env, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout);
}

/** Asks the stack and its cluster; undefined when nothing has been brought up. */
export async function readStatus(workspace: Workspace): Promise<StackStatus | undefined> {
  const outputs = await stackOutputs(workspace);
  if (outputs === undefined) return undefined;
  writePrivate(kubeconfigFile(workspace.dir), outputs.kubeconfig);
  const [nodes, workloads] = await Promise.all([
    kubectl(workspace, ["get", "nodes"]).then((json) => nodesSchema.parse(json)),
    kubectl(workspace, ["get", "deployments,daemonsets", "-A"]).then((json) => workloadsSchema.parse(json)),
  ]);
  return {
    outputs,
    nodes: nodes.items.map(({ metadata, status }) => ({
      name: metadata.name,
      ready: status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True"),
      gpus: Number(status.capacity["nvidia.com/gpu"] ?? 0),
    })),
    workloads: withMissing(
      outputs.workloads,
      workloads.items.map(({ metadata, spec, status }) => ({
        name: metadata.name,
        namespace: metadata.namespace,
        component: metadata.labels["app.kubernetes.io/component"] ?? "",
        ready: status.readyReplicas ?? status.numberReady ?? 0,
        wanted: spec.replicas ?? status.desiredNumberScheduled ?? 0,
      })),
    ),
  };
}

/** Adds what the stack says it has and the cluster does not, as not ready. */
export function withMissing(expected: StackOutputs["workloads"], found: readonly Readiness[]): Readiness[] {
  const names = new Set(found.map(({ name }) => name));
  const missing = Object.entries(expected).flatMap(([component, deployments]) =>
    deployments
      .filter((name) => !names.has(name))
      .map((name) => ({ name, namespace: APPS_NAMESPACE, component, ready: 0, wanted: 1 })),
  );
  return [...found, ...missing];
}

const isReady = ({ ready, wanted }: Readiness): boolean => ready >= wanted;

/** How many of the workloads are ready, for the one line that matters. */
export function readyCount(workloads: readonly Readiness[]): string {
  return `${workloads.filter(isReady).length}/${workloads.length}`;
}

const usd = (amount: number): string => `$${amount.toFixed(2)}`;

/** The summary that `make up` ends with and `make status` shows. */
export function renderStatus(
  { outputs, nodes, workloads }: StackStatus,
  dir: string,
  settings: SandboxSettings,
): string {
  const instances = Object.entries(outputs.instances);
  const servers = workloads.filter(({ component }) => component === "mcp-server");
  const gpus = nodes.reduce((sum, node) => sum + node.gpus, 0);
  const pending = workloads.filter((workload) => !isReady(workload));
  const rows: [string, string][] = [
    [
      "instances",
      instances
        .map(([name, i]) => `${name} ${i.instanceType} in ${i.region} at ${i.ip}, ${usd(i.hourlyPriceUsd)}/h`)
        .join("\n"),
    ],
    [
      "nodes",
      `${nodes.filter(({ ready }) => ready).length}/${nodes.length} ready, ${gpus} ${gpus === 1 ? "GPU" : "GPUs"}`,
    ],
    [
      "releases",
      Object.entries(outputs.releases)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["MCP servers", `${readyCount(servers)} ready`],
    ["core API", outputs.coreUrl],
    ["MCP gateway", outputs.gatewayUrl],
    ["Kubernetes", `${outputs.apiUrl}, kubeconfig ${path.relative(process.cwd(), kubeconfigFile(dir))}`],
    [
      "Lambda Cloud",
      `http://127.0.0.1:${settings.ports.lambda}/?token=${settings.adminToken} (simulated; open it in a browser)`,
    ],
    [
      "would cost",
      `${usd(outputs.costPerHourUsd)} an hour, ${usd(outputs.costPerMonthUsd)} a month at Lambda's prices; here it is free`,
    ],
    ["look at it", "make status | make shell (pulumi, kubectl, helm) | make down"],
  ];
  if (pending.length > 0) {
    rows.splice(4, 0, [
      "not ready",
      pending.map((w) => `${w.namespace}/${w.name} ${w.ready}/${w.wanted}`).join("\n"),
    ]);
  }
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const indent = "\n" + " ".repeat(width + 2);
  const body = rows
    .map(([label, text]) => `  ${label.padEnd(width)}${text.replaceAll("\n", indent)}`)
    .join("\n");
  return `\nSophia AI, stack ${STACK}: ready ${readyCount(workloads)}\n\n${body}\n`;
}

/** Whether a stack was ever made in this sandbox. */
export const hasStack = (dir: string): boolean =>
  existsSync(path.join(dir, "pulumi", ".pulumi", "stacks", "sophia-ai", `${STACK}.json`));
