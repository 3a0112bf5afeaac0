/** The whole program against recording mocks, configured as the local stack is. It proves inputs and names. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { repoRoot } from "../../../sandbox/paths";
import { parseConfig, type StackConfig } from "../../../stacks/config";
import { buildPlatform, enabledServers } from "../../../stacks/platform";
import {
  identities,
  ofType,
  one,
  runProgram,
  valueOf,
  type ProgramRun,
  type Registration,
} from "../../support/program";

const INSTANCE = "pulumi-nodejs:dynamic/lambda:Instance";
const COMMAND = "command:remote:Command";
const PASSWORD = "random:index/randomPassword:RandomPassword";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const RELEASE = "kubernetes:helm.sh/v3:Release";

const K3S_YAML = `
clusters: [{ cluster: { certificate-authority-data: Y2E= } }]
users: [{ user: { client-certificate-data: Y2VydA==, client-key-data: a2V5 } }]
`;

function localConfig(): StackConfig {
  const { config } = parse(readFileSync(path.join(repoRoot, "Pulumi.local.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const raw = Object.entries(config).map(([key, value]) => [
    key.replace("sophia-ai:", ""),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const parsed = parseConfig({ ...Object.fromEntries(raw), sshPublicKey: "ssh-ed25519 AAAA" } as Record<
    string,
    string
  >);
  return parsed.config as StackConfig;
}

interface Probe {
  readonly httpGet: { readonly port: number };
}

interface Container {
  readonly image: string;
  readonly ports: readonly { readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
  readonly securityContext: Record<string, unknown>;
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}

interface DeploymentInputs {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: Record<string, unknown>;
        readonly containers: readonly [Container];
      };
    };
  };
}

const config = localConfig();
let registrations: Registration[];
let outputs: pulumi.Inputs;
let deployments: DeploymentInputs[];

function run({
  preview = false,
  change = {},
}: { preview?: boolean; change?: Partial<StackConfig> } = {}): Promise<ProgramRun<pulumi.Inputs>> {
  pulumi.runtime.setAllConfig({ "sophia-ai:sshPrivateKey": "hush-key" }, ["sophia-ai:sshPrivateKey"]);
  return runProgram(() => buildPlatform({ ...config, ...change }), {
    preview,
    stack: "local",
    answers: {
      [INSTANCE]: ({ name }) => ({
        ip: name.startsWith("server") ? "198.51.100.2" : "198.51.100.3",
        instanceType: "gpu_1x_a10",
        region: "us-east-1",
        hourlyPriceUsd: 1.29,
        gpus: 1,
      }),
      [PASSWORD]: ({ name }) => ({ result: `hush-${name}` }),
      [COMMAND]: () => ({ stdout: K3S_YAML }),
    },
  });
}

beforeAll(async () => {
  ({ registrations, result: outputs } = await run());
  deployments = Object.values(ofType(registrations, DEPLOYMENT)).map(
    ({ inputs }) => inputs as unknown as DeploymentInputs,
  );
});

test("identity lock: the type and name of everything, which the state is keyed by", () => {
  expect(new Set(identities(registrations)).size).toBe(registrations.length);
  expect(identities(registrations)).toMatchSnapshot();
});

test("a preview registers what an update does, and the same program the same inputs every time", async () => {
  const preview = await run({ preview: true });
  expect(identities(preview.registrations)).toEqual(identities(registrations));
  const inputs = (made: readonly Registration[]) =>
    Object.fromEntries(made.map((r) => [`${r.type}::${r.name}`, r.inputs]));
  expect(inputs((await run()).registrations)).toEqual(inputs(registrations));
});

test("every part of a component is named after it", () => {
  // Stand-ins are named by what they stand for.
  const parts = registrations.filter(({ type, options }) => options.parent !== "" && type !== PASSWORD);
  expect(parts.length).toBeGreaterThan(100);
  for (const { name, options } of parts) expect(name.startsWith(`${options.parent}-`)).toBe(true);
});

test("whatever is in the cluster is put there by the cluster's own provider, and goes with it", () => {
  const inside = registrations.filter(({ type }) => type.startsWith("kubernetes:"));
  for (const { name, options } of inside) expect([name, options.provider]).toEqual([name, "sophia-provider"]);
  // The engine hands a component's deletedWith down to its parts.
  const owners = registrations.filter(({ type }) => /^sophia:(app|helm|mcp):|:Namespace$/.test(type));
  for (const { name, options } of owners) expect([name, options.deletedWith]).toEqual([name, "sophia"]);
});

test("workloads and releases wait until every node has joined", () => {
  const boots = ["sophia-gpu-1-k3s", "sophia-server-1-k3s"];
  const placed = registrations.filter(({ type }) => /^sophia:(app|helm|mcp):/.test(type));
  for (const { name, options } of placed) expect([name, options.dependencies]).toEqual([name, boots]);
  // A part is registered after its component, which is not in the dependencies that it records.
  const order = registrations.map(({ name }) => name);
  const last = Math.max(...boots.map((name) => order.indexOf(name)));
  for (const { name, type } of registrations)
    if ([DEPLOYMENT, RELEASE].includes(type)) expect(order.indexOf(name)).toBeGreaterThan(last);
});

test("another node changes nothing about those that are there", async () => {
  const { gpu } = config.nodes;
  if (gpu === undefined) throw new Error("the local stack has no pool gpu");
  const grown = await run({ change: { nodes: { ...config.nodes, gpu: { ...gpu, count: 2 } } } });
  const added = identities(grown.registrations).filter((id) => !identities(registrations).includes(id));
  expect(added).toEqual([`${COMMAND}::sophia-gpu-2-k3s`, `${INSTANCE}::gpu-2`]);
  for (const { type, name, inputs } of registrations.filter((r) => [INSTANCE, COMMAND].includes(r.type)))
    expect(one(grown.registrations, type, name).inputs).toEqual(inputs);
});

test("every Deployment meets Pod Security restricted, with limits, requests and probes", () => {
  expect(deployments).toHaveLength(enabledServers(config).length + 2);
  for (const { spec } of deployments) {
    const pod = spec.template.spec;
    const [container] = pod.containers;
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    for (const quantities of [container.resources.requests, container.resources.limits]) {
      expect(quantities).toMatchObject({
        cpu: expect.any(String) as string,
        memory: expect.any(String) as string,
      });
      expect(quantities["nvidia.com/gpu"] ?? "0").toMatch(/^\d+$/);
    }
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe])
      expect(probe?.httpGet.port).toBe(container.ports[0]?.containerPort);
  }
});

test("nothing reaches for the host, and nothing is published on it", () => {
  const text = JSON.stringify(registrations.filter(({ type }) => type.startsWith("kubernetes:")));
  expect(text).not.toMatch(
    /"(hostPath|hostNetwork|hostPID|hostIPC|hostPort|nodePort|externalIPs)"|LoadBalancer|docker\.sock/,
  );
  // Names that the engine invents could not be referred to by others.
  for (const { type, name, inputs } of registrations.filter((r) => /^kubernetes:(core|apps)\//.test(r.type)))
    expect([type, name, typeof (inputs.metadata as { name?: unknown }).name]).toEqual([type, name, "string"]);
});

test("plain variables are said once, and none is a placeholder", () => {
  for (const { metadata, spec } of deployments) {
    const env = spec.template.spec.containers[0].env;
    const names = env.map(({ name }) => name);
    expect([metadata.name, new Set(names).size]).toEqual([metadata.name, names.length]);
    for (const { value } of env) expect(value).not.toMatch(/\$\{|\{\{|change.?me/i);
  }
});

test("a pod that asks for GPUs asks for whole ones, and rolls without a spare one", async () => {
  const { registrations: made } = await run({
    change: { mcp: { ...config.mcp, servers: { ai_memory: { gpus: 1 } } } },
  });
  const { spec } = one(made, DEPLOYMENT, "sophia-mcp-ai-memory-deployment").inputs as {
    spec: DeploymentInputs["spec"] & { strategy: { rollingUpdate: unknown } };
  };
  expect(spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"]).toBe("1");
  expect(spec.strategy.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
});

test("no image is mutable", () => {
  for (const { spec } of deployments) {
    expect(spec.template.spec.containers[0].image).toMatch(/(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/);
  }
});

test("the port is one and the same in the container, its environment and the Service", () => {
  const services = Object.values(ofType(registrations, "kubernetes:core/v1:Service")).map(
    ({ inputs }) =>
      inputs as { metadata: { name: string }; spec: { ports: { port: number; targetPort: unknown }[] } },
  );
  for (const { metadata, spec } of deployments) {
    const [container] = spec.template.spec.containers;
    const port = container.ports[0]?.containerPort;
    const service = services.find((s) => s.metadata.name === metadata.name);
    expect(container.env).toContainEqual({ name: "PORT", value: String(port) });
    expect(service?.spec.ports).toEqual([{ name: "http", port, targetPort: "http" }]);
  }
});

test("no secret is in a pod's plain environment, in a script or in Helm values", () => {
  const plain = registrations.filter(({ type }) =>
    [DEPLOYMENT, RELEASE, "kubernetes:core/v1:ConfigMap"].includes(type),
  );
  expect(JSON.stringify(plain)).not.toContain("hush");
  const scripts = Object.values(ofType(registrations, COMMAND)).map(({ inputs }) => inputs.create);
  expect(JSON.stringify(scripts)).not.toContain("hush");
});

test("every secret stays one on its way: in what is registered and in what the components say of themselves", () => {
  for (const secret of Object.values(ofType(registrations, "kubernetes:core/v1:Secret")))
    expect([secret.name, secret.secrets]).toEqual([secret.name, ["stringData"]]);
  const marked = (type: string, name: string) => one(registrations, type, name).secrets;
  expect(marked("pulumi:providers:kubernetes", "sophia-provider")).toContain("kubeconfig");
  expect(marked(COMMAND, "sophia-server-1-k3s")).toEqual(expect.arrayContaining(["connection", "stdin"]));
  const components = registrations.filter(({ type }) => type.startsWith("sophia:"));
  expect(JSON.stringify(components)).not.toContain("hush");
});

test("a workload's Secret holds what its row names, and nothing else", () => {
  const secrets = ofType(registrations, "kubernetes:core/v1:Secret");
  for (const server of enabledServers(config).filter((s) => s.secrets.length > 0)) {
    const secret = secrets[`${server.objectName}-secret`];
    expect(Object.keys(secret?.inputs.stringData as object).sort()).toEqual([...server.secrets].sort());
  }
});

test("namespaces say how far they trust their pods", () => {
  const levels = Object.values(ofType(registrations, "kubernetes:core/v1:Namespace")).map(({ inputs }) => {
    const { name, labels, annotations } = inputs.metadata as Record<
      "labels" | "annotations",
      Record<string, string> | undefined
    > & { name: string };
    return [
      name,
      labels?.["pod-security.kubernetes.io/enforce"],
      annotations?.["sophia-ai/pod-security-reason"],
    ];
  });
  expect(levels.sort()).toEqual([
    ["gpu-system", "privileged", "its pods read the hardware through host paths"],
    ["sophia-ai", "restricted", undefined],
  ]);
});

test("the provider's identity is fixed, and its kubeconfig points at the server", () => {
  const provider = ofType(registrations, "pulumi:providers:kubernetes")["sophia-provider"];
  expect(provider?.inputs.clusterIdentifier).toBe("local/sophia");
  expect(provider?.inputs.kubeconfig).toContain("server: https://198.51.100.2:6443");
});

test("the gateway knows every server by the address of its Service", () => {
  const { data } = one(registrations, "kubernetes:core/v1:ConfigMap", "sophia-mcp-gateway-config").inputs as {
    data: Record<string, string>;
  };
  const registry = JSON.parse(data["servers.json"] ?? "") as Record<string, { url: string }>;
  expect(Object.entries(registry).map(([name, { url }]) => [name, url])).toEqual(
    enabledServers(config)
      .map(({ name, objectName, port }) => [name, `http://${objectName}.sophia-ai.svc:${port}`])
      .sort(),
  );
});

test("the outputs say what it costs and where it is", async () => {
  expect(Object.keys(outputs)).toEqual([
    "instances",
    "costPerHourUsd",
    "costPerMonthUsd",
    "apiUrl",
    "kubeconfig",
    "releases",
    "coreUrl",
    "gatewayUrl",
    "workloads",
  ]);
  expect(await valueOf(pulumi.output(outputs.apiUrl))).toBe("https://198.51.100.2:6443");
  expect(await valueOf(pulumi.output(outputs.gatewayUrl))).toBe(
    "http://sophia-mcp-gateway.sophia-ai.svc:8090",
  );
  expect(await valueOf(pulumi.output(outputs.costPerHourUsd))).toBe(2.58);
  expect(await valueOf(pulumi.output(outputs.costPerMonthUsd))).toBe(1883.4);
  expect(await valueOf(pulumi.output(outputs.coreUrl))).toBe("http://sophia-core.sophia-ai.svc:8000");
  expect(await pulumi.isSecret(pulumi.output(outputs.kubeconfig))).toBe(true);
});
