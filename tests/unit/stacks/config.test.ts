import { readFileSync } from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { parse } from "yaml";
import { formatProblem } from "../../../components/problems";
import { repoRoot } from "../../../sandbox/paths";
import {
  crossCheck,
  parseConfig,
  secretNames,
  wellFormedOverrides,
  type RawConfig,
} from "../../../stacks/config";
import { missingSecrets } from "../../../stacks/preflight";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n-----END OPENSSH PRIVATE KEY-----";

/** Settings as the engine hands them over: text, or JSON. */
const raw = (settings: Record<string, unknown>): RawConfig =>
  Object.fromEntries(
    Object.entries(settings).map(([k, v]) => [k, typeof v === "string" ? v : JSON.stringify(v)]),
  );

const pool = { role: "server", instanceTypes: ["gpu_1x_a10"], regions: ["us-east-1"] };
const good = {
  environment: "local",
  nodes: { server: pool },
  sshPublicKey: "ssh-ed25519 AAAA me",
  sshPrivateKey: KEY,
};

const messages = (settings: Record<string, unknown>): string[] =>
  parseConfig(raw(settings)).problems.map(formatProblem);

describe("parseConfig", () => {
  test("fills in every default", () => {
    const { config, problems } = parseConfig(raw(good));
    expect(problems).toEqual([]);
    expect(config).toMatchSnapshot();
  });

  test("numbers, booleans and lists keep their types", () => {
    const { config } = parseConfig(raw({ ...good, core: { replicas: 3 }, cluster: { tlsSans: ["a"] } }));
    expect(config.core?.replicas).toBe(3);
    expect(config.cluster?.tlsSans).toEqual(["a"]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      "environment",
      { environment: "production" },
      'environment: is not an allowed value (got "production"); expected one of "local", "staging", "prod".',
    ],
    [
      "missing",
      { environment: undefined },
      'environment: is missing; expected one of "local", "staging", "prod".',
    ],
    [
      "unknown",
      { color: "x" },
      "color: is not a known setting. Remove it (pulumi config rm color), or look up its spelling in docs/configuration.md.",
    ],
    [
      "nested unknown",
      { core: { replica: 3 } },
      "core.replica: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
    ],
    [
      "range",
      { gateway: { replicas: 99 } },
      "gateway.replicas: is out of range (got 99); expected at most 50.",
    ],
    [
      "version",
      { cluster: { k3sVersion: "1.36" } },
      'cluster.k3sVersion: is malformed (got "1.36"); expected a k3s release such as v1.36.3+k3s1.',
    ],
    [
      "taint",
      { nodes: { server: { ...pool, taints: ["gpu"] } } },
      'nodes.server.taints[0]: is malformed (got "gpu"); expected key[=value]:NoSchedule|PreferNoSchedule|NoExecute.',
    ],
    [
      "empty list",
      { nodes: { server: { ...pool, regions: [] } } },
      "nodes.server.regions: is out of range (got []); expected at least 1 entry.",
    ],
    [
      "registry",
      { images: { registry: "Docker Hub" } },
      'images.registry: is malformed (got "Docker Hub"); expected a registry and path such as docker.io/scoobyjava15.',
    ],
    [
      "name",
      { cluster: { name: "Sophia_1" } },
      'cluster.name: is malformed (got "Sophia_1"); expected a lower-case name of letters, digits and dashes, at most 32 long.',
    ],
    ["port", { cluster: { sshPort: 0 } }, "cluster.sshPort: is out of range (got 0); expected at least 1."],
    [
      "digest",
      { cluster: { k3sSha256: { amd64: "abc" } } },
      'cluster.k3sSha256.amd64: is malformed (got "abc"); expected a SHA-256 digest in 64 hexadecimal digits.',
    ],
    ["image tag", { images: { tag: "2 0" } }, 'images.tag: is malformed (got "2 0"); expected an image tag.'],
    [
      "role",
      { nodes: { server: { ...pool, role: "master" } } },
      'nodes.server.role: is not an allowed value (got "master"); expected one of "server", "agent".',
    ],
    [
      "missing inside",
      { nodes: { server: { role: "server", regions: ["us-east-1"] } } },
      "nodes.server.instanceTypes: is missing; expected list.",
    ],
    [
      "wrong type",
      { core: { replicas: "three" } },
      'core.replicas: has the wrong type (got "three"); expected number.',
    ],
    [
      "unknown in an override",
      { mcp: { servers: { github: { port: 1 } } } },
      "mcp.servers.github.port: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
    ],
    [
      "secret source",
      { secretSource: "vault" },
      'secretSource: is not an allowed value (got "vault"); expected one of "config", "generated".',
    ],
    [
      "public key",
      { sshPublicKey: "key" },
      'sshPublicKey: is malformed (got "key"); expected an OpenSSH public key.',
    ],
  ])("%s", (_name, change, message) => {
    const settings = Object.fromEntries(
      Object.entries<unknown>({ ...good, ...change }).filter(([, value]) => value !== undefined),
    );
    expect(messages(settings)).toEqual([message]);
  });

  test("a secret is called missing, or malformed without being quoted", () => {
    const without = Object.fromEntries(Object.entries(good).filter(([key]) => key !== "sshPrivateKey"));
    expect(messages(without)).toEqual([
      "sshPrivateKey: is missing; expected a secret. Set it with: pulumi config set --secret sshPrivateKey.",
    ]);
    expect(messages({ ...good, sshPrivateKey: "hush" })).toEqual([
      "sshPrivateKey: is malformed; expected a private key in PEM or OpenSSH format.",
    ]);
  });

  test("no secret is ever quoted, whatever it is", () => {
    const canary = fc.stringMatching(/^canary[a-z]{4}$/);
    const wrap = fc.constantFrom<(value: string) => unknown>(
      (value) => value,
      (value) => [value],
      (value) => ({ nested: { value } }),
      (value) => JSON.stringify({ A: value }).slice(0, -1),
    );
    fc.assert(
      fc.property(canary, wrap, (value, inside) => {
        const said = messages({
          ...good,
          sshPrivateKey: inside(value),
          lambdaApiKey: inside(value),
          secrets: { A: inside(value), B: 7 },
        });
        expect(said).toContain("secrets.B: has the wrong type; expected string.");
        expect(said.join("\n")).not.toContain("canary");
      }),
    );
  });

  test("mistakes in different sections come in one report", () => {
    expect(
      messages({ ...good, environment: "x", gateway: { replicas: -1 }, colour: "blue", sshPublicKey: "key" }),
    ).toHaveLength(4);
  });

  test("never throws, whatever the settings are", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("environment", "nodes", "mcp", "lambda", "x"), fc.jsonValue()),
        (settings) => {
          expect(() => parseConfig(raw(settings as Record<string, unknown>))).not.toThrow();
        },
      ),
    );
  });
});

describe("crossCheck", () => {
  const check = (
    settings: Record<string, unknown>,
    env: NodeJS.ProcessEnv = { LAMBDA_LABS_API_KEY: "k" },
  ): string[] => crossCheck(parseConfig(raw(settings)).config, raw(settings), env).map(formatProblem);

  test("nothing to say about a good configuration", () => {
    expect(check(good)).toEqual([]);
  });

  test.each([0, 2, 3])("%i servers", (count) => {
    const nodes = count === 0 ? { gpu: { ...pool, role: "agent" } } : { server: { ...pool, count } };
    expect(check({ ...good, nodes })).toEqual([
      `nodes: the number of server nodes is not supported (got ${count}); expected exactly 1. Give one pool the role server and the count 1.`,
    ]);
  });

  test("no API key anywhere", () => {
    expect(check(good, {})).toEqual([
      "lambdaApiKey: there is no Lambda Cloud API key; expected LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey. Set it with: pulumi config set --secret lambdaApiKey.",
    ]);
    expect(check({ ...good, lambdaApiKey: "k" }, {})).toEqual([]);
  });

  test("labels with which a node would not start", () => {
    const labels = { "sophia-ai/tier": "gpu", "node-role.kubernetes.io/worker": "true", "bad key": "x" };
    expect(check({ ...good, nodes: { server: { ...pool, labels } } })).toEqual([
      'nodes.server.labels: a node may not give itself this label (got "node-role.kubernetes.io/worker"); expected [prefix/]name, outside kubernetes.io and k8s.io. Use a prefix of your own, such as sophia-ai/.',
      'nodes.server.labels: the label\'s key is malformed (got "bad key"); expected [prefix/]name, outside kubernetes.io and k8s.io. Use a prefix of your own, such as sophia-ai/.',
    ]);
  });

  test("file systems that a pool cannot mount", () => {
    const fileSystems = { models: { region: "us-east-1" }, data: { region: "me-west-1" } };
    const mounting = (...mounted: string[]) =>
      check({ ...good, fileSystems, nodes: { server: { ...pool, fileSystems: mounted } } });
    expect(mounting("models")).toEqual([]);
    expect(mounting("model", "scratch")).toEqual([
      'nodes.server.fileSystems: there is no such file system (got "model"). Did you mean "models"?',
      'nodes.server.fileSystems: there is no such file system (got "scratch"). Add it to fileSystems.',
    ]);
    expect(mounting("models", "data")).toEqual([
      'nodes.server.fileSystems: no region of the pool has all of them (got ["models in us-east-1","data in me-west-1"]); expected file systems in one of us-east-1. Add their region to the pool, or mount those of one region.',
    ]);
  });

  test("stand-in secrets outside local", () => {
    expect(check({ ...good, environment: "prod", secretSource: "generated" })).toEqual([
      'secretSource: stand-in secrets are for local work only (got "generated"); expected "config". Remove it.',
    ]);
  });
});

describe("secrets", () => {
  const all = { ...good, secrets: { OPENAI_API_KEY: "hush" }, mcp: { servers: {} } };

  test("names are known, values are not asked for", () => {
    expect([...secretNames(raw(all))]).toEqual(["OPENAI_API_KEY"]);
    expect([...secretNames(raw(good))]).toEqual([]);
  });

  test("what is read but not there is reported with its readers", () => {
    const lines = missingSecrets(parseConfig(raw(all)).config, raw(all)).map(formatProblem);
    expect(lines).toContain(
      "secrets.FIGMA_PAT: is missing and read by MCP server figma_context; expected a secret. Set it with: pulumi config set --secret --path secrets.FIGMA_PAT.",
    );
    expect(lines.join("\n")).not.toMatch(/secrets\.OPENAI_API_KEY|hush/);
  });

  test("a disabled server asks for nothing", () => {
    const settings = { ...all, mcp: { servers: { figma_context: { enabled: false } } } };
    expect(
      missingSecrets(parseConfig(raw(settings)).config, raw(settings)).map(({ path: at }) => at),
    ).not.toContain("secrets.FIGMA_PAT");
  });

  test("overrides of the right shape are found beside others", () => {
    const mcp = { servers: { github: { enabled: false }, slack: { replica: 2 } }, colour: "blue" };
    expect(wellFormedOverrides(raw({ mcp }))).toEqual({ github: { enabled: false } });
    expect(wellFormedOverrides({})).toEqual({});
  });
});

describe("the committed stacks", () => {
  test.each(["local", "staging", "prod"])("%s has no mistake of its own", (stack) => {
    const file = readFileSync(path.join(repoRoot, `Pulumi.${stack}.yaml`), "utf8");
    const { config } = parse(file) as { config: Record<string, unknown> };
    const settings = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key.replace("sophia-ai:", ""), value]),
    );
    const brought = { sshPublicKey: good.sshPublicKey, sshPrivateKey: KEY };
    const whole = raw({ ...settings, ...brought });
    const { config: parsed, problems } = parseConfig(whole);
    expect(problems).toEqual([]);
    expect(crossCheck(parsed, whole, { LAMBDA_LABS_API_KEY: "k" })).toEqual([]);
    // Application secrets come from ESC, except where stand-ins are made.
    const asked = missingSecrets(parsed, whole).map(({ path: at }) => at.replace("secrets.", ""));
    expect(asked.length > 0).toBe(stack !== "local");
    const secrets = Object.fromEntries(asked.map((name) => [name, "hush"]));
    expect(missingSecrets(parsed, { ...whole, secrets: JSON.stringify(secrets) })).toEqual([]);
    expect(settings.environment).toBe(stack);
    expect(file).not.toMatch(/secure:|encryptionsalt/);
  });
});
