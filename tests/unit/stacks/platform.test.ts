/** The whole program against recording mocks, configured as the local stack is. It proves inputs and names. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { repoRoot } from "../../../sandbox/paths";
import { parseConfig, type StackConfig } from "../../../stacks/config";
import { buildPlatform, enabledServers } from "../../../stacks/platform";
import { ofType, runProgram, valueOf, type Registration } from "../../support/program";

const INSTANCE = "pulumi-nodejs:dynamic/lambda:Instance";
const COMMAND = "command:remote:Command";
const PASSWORD = "random:index/randomPassword:RandomPassword";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

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

interface Container {
  readonly image: string;
  readonly ports: readonly { readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
  readonly securityContext: Record<string, unknown>;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
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

beforeAll(async () => {
  pulumi.runtime.setAllConfig({ "sophia-ai:sshPrivateKey": "hush-key" }, ["sophia-ai:sshPrivateKey"]);
  let passwords = 0;
  const run = await runProgram(() => buildPlatform(config), {
    stack: "local",
    answers: {
      [INSTANCE]: ({ name }) => ({
        ip: name.startsWith("server") ? "198.51.100.2" : "198.51.100.3",
        instanceType: "gpu_1x_a10",
        region: "us-east-1",
        hourlyPriceUsd: 1.29,
        gpus: 1,
      }),
      [PASSWORD]: () => ({ result: `hush-${++passwords}` }),
      [COMMAND]: () => ({ stdout: K3S_YAML }),
    },
  });
  ({ registrations, result: outputs } = run);
  deployments = Object.values(ofType(registrations, DEPLOYMENT)).map(
    ({ inputs }) => inputs as unknown as DeploymentInputs,
  );
});

test("identity lock: the type and name of everything, which the state is keyed by", () => {
  const identities = registrations.map(({ type, name }) => `${type}::${name}`);
  expect(new Set(identities).size).toBe(identities.length);
  expect(identities.sort()).toMatchSnapshot();
});

test("every part of a component is named after it", () => {
  const components = registrations.filter(({ type }) => type.startsWith("sophia:")).map(({ name }) => name);
  const parts = registrations.filter(
    ({ type }) => type.startsWith("kubernetes:") && !type.endsWith("Namespace"),
  );
  for (const { name } of parts)
    expect(components.some((component) => name.startsWith(`${component}-`))).toBe(true);
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
    expect(container.livenessProbe).toBeDefined();
    expect(container.readinessProbe).toBeDefined();
  }
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
    [DEPLOYMENT, "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:ConfigMap"].includes(type),
  );
  expect(JSON.stringify(plain)).not.toContain("hush");
  const scripts = Object.values(ofType(registrations, COMMAND)).map(({ inputs }) => inputs.create);
  expect(JSON.stringify(scripts)).not.toContain("hush");
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

test("the outputs say what it costs and where it is", async () => {
  expect(await valueOf(pulumi.output(outputs.costPerHourUsd))).toBe(2.58);
  expect(await valueOf(pulumi.output(outputs.costPerMonthUsd))).toBe(1883.4);
  expect(await valueOf(pulumi.output(outputs.coreUrl))).toBe("http://sophia-core.sophia-ai.svc:8000");
  expect(await pulumi.isSecret(pulumi.output(outputs.kubeconfig))).toBe(true);
});
