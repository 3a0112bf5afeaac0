/** Every component but the cluster against recording mocks: what it registers, with which names and secrets. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { Workload, type WorkloadArgs } from "../../../components/app/workload";
import { HelmService } from "../../../components/helm/helmService";
import { configuredSecrets, GeneratedSecrets } from "../../../components/secrets/secretStore";
import { identities, ofType, one, runProgram, valueOf, type Registration } from "../../support/program";

const PASSWORD = "random:index/randomPassword:RandomPassword";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const SECRET = "kubernetes:core/v1:Secret";

const resources = { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } };
const widget: WorkloadArgs = {
  app: "widget",
  namespace: "apps",
  component: "mcp-server",
  image: "example/widget:1.0.0",
  port: 8080,
  replicas: 2,
  resources,
};

interface DeploymentSpec {
  readonly strategy: unknown;
  readonly template: {
    readonly metadata: { readonly annotations: Record<string, string> };
    readonly spec: { readonly containers: readonly { readonly envFrom?: unknown }[] };
  };
}
const specOf = (registrations: readonly Registration[], name: string): DeploymentSpec =>
  one(registrations, DEPLOYMENT, `${name}-deployment`).inputs.spec as DeploymentSpec;

describe("Workload", () => {
  const labels = {
    app: "widget",
    "app.kubernetes.io/name": "widget",
    "app.kubernetes.io/component": "mcp-server",
    "app.kubernetes.io/part-of": "sophia-ai",
    "app.kubernetes.io/managed-by": "pulumi",
  };
  const full = (): WorkloadArgs => ({
    ...widget,
    servicePort: 80,
    secrets: { TOKEN: pulumi.secret("hush") },
    config: { path: "/config", files: { "a.json": "{}" } },
  });

  test("is an account, a Deployment and a Service when there is nothing more to it", async () => {
    const { registrations, result } = await runProgram(() => new Workload("widget", widget));
    expect(identities(registrations)).toEqual([
      "kubernetes:apps/v1:Deployment::widget-deployment",
      "kubernetes:core/v1:Service::widget-service",
      "kubernetes:core/v1:ServiceAccount::widget-account",
      "sophia:app:Workload::widget",
    ]);
    expect(one(registrations, "kubernetes:core/v1:ServiceAccount", "widget-account").inputs).toMatchObject({
      metadata: { name: "widget", namespace: "apps", labels },
      automountServiceAccountToken: false,
    });
    expect(one(registrations, "kubernetes:core/v1:Service", "widget-service").inputs).toMatchObject({
      metadata: { name: "widget", namespace: "apps", labels },
      spec: { selector: { app: "widget" }, ports: [{ name: "http", port: 8080, targetPort: "http" }] },
    });
    expect(await valueOf(result.host)).toBe("widget.apps.svc");
    expect(result.port).toBe(8080);
  });

  test("its Secret and ConfigMap are there before its pods, and are its own", async () => {
    const { registrations, result } = await runProgram(() => new Workload("widget", full()));
    const { options, inputs, secrets } = one(registrations, DEPLOYMENT, "widget-deployment");
    expect(options.dependencies).toEqual(["widget-account", "widget-config", "widget-secret"]);
    expect(options.createTimeout).toBe("5m");
    expect(secrets).toEqual([]);
    expect(inputs).toMatchObject({
      metadata: { name: "widget", namespace: "apps", labels },
      spec: { replicas: 2, selector: { matchLabels: { app: "widget" } }, template: { metadata: { labels } } },
    });
    expect(specOf(registrations, "widget").template.spec.containers[0]?.envFrom).toEqual([
      { secretRef: { name: "widget" } },
    ]);
    const secret = one(registrations, SECRET, "widget-secret");
    expect(secret.inputs).toMatchObject({ metadata: { name: "widget" }, stringData: { TOKEN: "hush" } });
    expect(secret.secrets).toEqual(["stringData"]);
    expect(result.port).toBe(80);
  });

  test("pods with GPUs give theirs back before new ones start", async () => {
    const { registrations } = await runProgram(() => [
      new Workload("plain", widget),
      new Workload("gpu", { ...widget, gpus: 1 }),
    ]);
    expect(specOf(registrations, "plain").strategy).toEqual({
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
    expect(specOf(registrations, "gpu").strategy).toEqual({
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
  });

  const withValues = (name: string, values: readonly (readonly [string, string])[]): Workload =>
    new Workload(name, {
      ...widget,
      secrets: Object.fromEntries(values.map(([key, value]) => [key, pulumi.secret(value)])),
      config: { path: "/config", files: Object.fromEntries(values) },
    });
  const CHECKSUMS = ["sophia-ai/config-checksum", "sophia-ai/secret-checksum"];

  test("pods restart when a value changes, not when its place does, and checksums quote nothing", async () => {
    const entries = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^[A-Z]{1,5}$/), fc.stringMatching(/^h[ush]{9}$/)),
      {
        selector: ([key]) => key,
        minLength: 1,
      },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (values) => {
        const [[key, value] = ["", ""], ...others] = values;
        const { registrations } = await runProgram(() => [
          withValues("a", values),
          withValues("b", [...values].reverse()),
          withValues("c", [[key, `${value}!`], ...others]),
        ]);
        const [a, b, c] = ["a", "b", "c"].map(
          (name) => specOf(registrations, name).template.metadata.annotations,
        );
        expect(Object.keys(a ?? {}).sort()).toEqual(CHECKSUMS);
        expect(b).toEqual(a);
        for (const name of CHECKSUMS) expect(c?.[name]).not.toBe(a?.[name]);
        expect(JSON.stringify(ofType(registrations, DEPLOYMENT))).not.toContain(value);
      }),
      { numRuns: 5 },
    );
  });

  test("a preview shows the same, with what is not known yet left open", async () => {
    const { registrations } = await runProgram(() => new Workload("widget", full()), { preview: true });
    expect(identities(registrations)).toHaveLength(6);
  });
});

describe("HelmService", () => {
  const here = process.cwd();
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "sophia-values-"));
    mkdirSync(path.join(folder, "helm-values"));
    const write = (file: string, text: string): void => {
      writeFileSync(path.join(folder, "helm-values", file), text);
    };
    write("widgets.yaml", "replicas: 1\nlimits: { cpu: 1, memory: 1Gi }\n");
    write("widgets.prod.yaml", "replicas: 3\nlimits: { cpu: 2 }\n");
    write("empty.yaml", "# nothing yet\n");
    process.chdir(folder);
  });

  afterAll(() => {
    process.chdir(here);
    rmSync(folder, { recursive: true, force: true });
  });

  const chart = { name: "widgets", version: "1.2.3", repository: "https://charts.example" };
  const release = async (name: string, environment: string, values = {}): Promise<Registration> => {
    const { registrations } = await runProgram(
      () => new HelmService(name, { chart, namespace: "system", environment, values }),
    );
    expect(identities(registrations)).toEqual([
      `kubernetes:helm.sh/v3:Release::${name}-release`,
      `sophia:helm:Service::${name}`,
    ]);
    return one(registrations, "kubernetes:helm.sh/v3:Release", `${name}-release`);
  };

  test("is one pinned, atomic release of its name", async () => {
    const { inputs, options } = await release("widgets", "local");
    expect(inputs).toMatchObject({
      chart: "widgets",
      version: "1.2.3",
      repositoryOpts: { repo: "https://charts.example" },
      name: "widgets",
      namespace: "system",
      atomic: true,
      cleanupOnFail: true,
      maxHistory: 5,
      timeout: 300,
    });
    expect(options.parent).toBe("widgets");
  });

  test.each([
    ["widgets", "local", {}, { replicas: 1, limits: { cpu: 1, memory: "1Gi" } }],
    ["widgets", "prod", {}, { replicas: 3, limits: { cpu: 2, memory: "1Gi" } }],
    ["widgets", "prod", { limits: { cpu: 4 } }, { replicas: 3, limits: { cpu: 4, memory: "1Gi" } }],
    ["empty", "prod", { a: 1 }, { a: 1 }],
    ["absent", "prod", {}, {}],
  ])("values of %s in %s, and of the program %j", async (name, environment, values, merged) => {
    expect((await release(name, environment, values)).inputs.values).toEqual(merged);
  });
});

describe("names", () => {
  test.each(["Widget", "widget_one", "1widget", "widget-", "-widget", "a--b", ""])(
    "%j is refused",
    async (name) => {
      await expect(runProgram(() => new Workload(name, widget))).rejects.toThrow(
        new Error(
          `sophia:app:Workload ${JSON.stringify(name)}: the name is not valid; expected lower-case letters, digits and single dashes. Rename it.`,
        ),
      );
    },
  );
});

describe("secret stores", () => {
  test("stand-ins are made once for each name, and named after their owner", async () => {
    const { registrations } = await runProgram(() => {
      const store = new GeneratedSecrets("owner");
      return ["OPENAI_API_KEY", "SLACK_BOT_TOKEN", "OPENAI_API_KEY"].map((name) => store.get(name));
    });
    const made = Object.values(ofType(registrations, PASSWORD));
    expect(made.map(({ name, options }) => [name, options.parent])).toEqual([
      ["owner-openai-api-key", "owner"],
      ["owner-slack-bot-token", "owner"],
    ]);
    expect(made[0]?.inputs).toMatchObject({ length: 32, special: false });
  });

  test("configured values stay secret, whoever hands them over", async () => {
    const store = configuredSecrets(pulumi.output<Record<string, string>>({ TOKEN: "hush" }));
    expect(await valueOf(store.get("TOKEN"))).toBe("hush");
    expect(await pulumi.isSecret(store.get("TOKEN"))).toBe(true);
  });

  test("what is missing is named, with what to type", () => {
    // Applied at once: a failure inside a real Output ends the process.
    const values = { apply: (read: (all: object) => unknown) => read({ TOKEN: "hush" }) };
    expect(() => configuredSecrets(values as never).get("OTHER")).toThrow(
      new Error(
        "secrets.OTHER: is missing; expected a secret. Set it with: pulumi config set --secret --path secrets.OTHER",
      ),
    );
  });
});
