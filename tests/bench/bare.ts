/**
 * What the platform's program costs over a bare one: the same Kubernetes objects and random values, registered one after
 * the other from a list, without components, configuration or checks. Instances and bootstraps cannot be made twice, so
 * as many idle resources of the same two plugins take their places; components and the Helm release have none.
 */
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import type { TestSandbox } from "../support/sandbox";
import { makeProject, type Engine } from "./engine";

const RUNS = 3;
const LISTED = /^(kubernetes:(apps|core)\/v1:|random:)/;

interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly inputs?: Record<string, unknown>;
}

export interface BareResult {
  readonly resources: { readonly ours: number; readonly bare: number };
  readonly preview: { readonly ours: number; readonly bare: number };
  readonly noChangeUp: { readonly ours: number; readonly bare: number };
}

/** Values that the state marks as secret, as they are. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("plaintext" in value) return plain(JSON.parse(String(value.plaintext)));
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "__defaults")
      .map(([key, part]) => [key, plain(part)]),
  );
}

const PROGRAM = `
const fs = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const k8s = require("@pulumi/kubernetes");
const provider = new k8s.Provider("bare", { kubeconfig: fs.readFileSync(process.env.KUBECONFIG, "utf8"), clusterIdentifier: "bare" });
for (const { type, name, inputs } of JSON.parse(fs.readFileSync("resources.json", "utf8"))) {
  new pulumi.CustomResource(type, name, inputs, type.startsWith("kubernetes:") ? { provider } : {});
}
const idle = { diff: async () => ({ changes: false }), create: async () => ({ id: "idle", outs: {} }) };
for (let i = 0; i < 3; i++) {
  new pulumi.CustomResource("command:local:Command", "command-" + i, { create: "true" });
  new pulumi.dynamic.Resource(idle, "machine-" + i, {});
}
`;

export function compareWithBare(engine: Engine, sandbox: TestSandbox, repo: string): BareResult {
  const stack = ["--stack", "local"];
  const config = ["--config-file", path.join(sandbox.dir, "Pulumi.local.yaml")];
  const state = JSON.parse(engine.run(repo, "stack", "export", "--show-secrets", ...stack).stdout) as {
    deployment: { resources: StateResource[] };
  };
  const { resources } = state.deployment;
  const listed = resources
    .filter(({ type }) => LISTED.test(type))
    .map(({ urn, type, inputs }) => ({ type, name: urn.split("::").at(-1), inputs: plain(inputs) }));
  const project = makeProject(path.dirname(sandbox.dir), "bare", PROGRAM);
  const moved = JSON.stringify(listed)
    .replaceAll('"sophia-ai"', '"bare"')
    .replaceAll('"gpu-system"', '"bare-gpu"');
  writeFileSync(path.join(project, "resources.json"), moved);
  engine.run(project, "stack", "init", "bench");
  const bare = ["--stack", "bench"];
  const up = ["up", "--yes", "--skip-preview"];
  engine.run(project, ...up, ...bare);
  const result = {
    resources: { ours: resources.length, bare: listed.length + 8 },
    preview: {
      ours: engine.median(RUNS, repo, "preview", ...stack, ...config),
      bare: engine.median(RUNS, project, "preview", ...bare),
    },
    noChangeUp: {
      ours: engine.median(RUNS, repo, ...up, ...stack, ...config),
      bare: engine.median(RUNS, project, ...up, ...bare),
    },
  };
  engine.run(project, "destroy", "--yes", "--skip-preview", ...bare);
  return result;
}
