import type { McpCatalog, McpServerOverride, McpServerRow } from "../../../components/mcp/catalog";
import { checkCatalog } from "../../../components/mcp/catalogChecks";
import { formatProblem } from "../../../components/problems";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const row = (rest: object = {}): McpServerRow => ({ category: "core-ai", ...rest });

function messages(
  rows: McpCatalog,
  overrides: Record<string, McpServerOverride> = {},
  gpuQuota = 4,
): string[] {
  return checkCatalog(rows, overrides, { gpuQuota }).map(formatProblem);
}

describe("one row", () => {
  test.each<[object, string]>([
    [{ port: 0 }, "port: is not a port (got 0); expected a whole number from 1 to 65535."],
    [{ port: 65536 }, "port: is not a port (got 65536); expected a whole number from 1 to 65535."],
    [{ port: 80.5 }, "port: is not a port (got 80.5); expected a whole number from 1 to 65535."],
    [
      { healthPath: "health" },
      'healthPath: is not an absolute path (got "health"); expected a path that starts with "/".',
    ],
    [
      { healthPath: "" },
      'healthPath: is not an absolute path (got ""); expected a path that starts with "/".',
    ],
    [
      { metrics: { path: "stats" } },
      'metrics.path: is not an absolute path (got "stats"); expected a path that starts with "/".',
    ],
    [{ replicas: 1.5 }, "replicas: is not a number of pods (got 1.5); expected a whole number, 0 or more."],
    [{ replicas: -1 }, "replicas: is not a number of pods (got -1); expected a whole number, 0 or more."],
    [
      { gpus: 0.25 },
      "gpus: is not a number of GPUs (got 0.25); expected a whole number, 0 or more. Kubernetes has no fractions of a GPU; share one between pods by time-slicing in the device plugin.",
    ],
    [
      { gpus: -1 },
      "gpus: is not a number of GPUs (got -1); expected a whole number, 0 or more. Kubernetes has no fractions of a GPU; share one between pods by time-slicing in the device plugin.",
    ],
    [
      { resources: { requests: { cpu: "half" } } },
      'resources.requests.cpu: is not an amount of cpu (got "half"); expected a Kubernetes quantity above zero, such as "500m".',
    ],
    [
      { resources: { limits: { memory: "1GB" } } },
      'resources.limits.memory: is not an amount of memory (got "1GB"); expected a Kubernetes quantity above zero, such as "512Mi".',
    ],
    [
      { resources: { limits: { memory: "-1Gi" } } },
      'resources.limits.memory: is not an amount of memory (got "-1Gi"); expected a Kubernetes quantity above zero, such as "512Mi".',
    ],
    [
      { resources: { requests: { cpu: 0 } } },
      'resources.requests.cpu: is not an amount of cpu (got "0"); expected a Kubernetes quantity above zero, such as "500m".',
    ],
    [
      { resources: { requests: { cpu: "501m" } } },
      'resources.requests.cpu: is more than the limit (got "501m"); expected at most 500m. Lower it, or raise resources.limits.cpu.',
    ],
    [
      { resources: { limits: { memory: "200Mi" } } },
      'resources.requests.memory: is more than the limit (got "256Mi"); expected at most 200Mi. Lower it, or raise resources.limits.memory.',
    ],
    [
      { image: "ghcr.io/owner/name:1.0" },
      'image: is not an image repository (got "ghcr.io/owner/name:1.0"); expected registry and path without tag or digest, such as "ghcr.io/owner/name". Put the tag into tag and the digest into digest.',
    ],
    [
      { image: `name@${DIGEST}` },
      `image: is not an image repository (got "name@${DIGEST}"); expected registry and path without tag or digest, such as "ghcr.io/owner/name". Put the tag into tag and the digest into digest.`,
    ],
    [
      { tag: "1 0" },
      'tag: is not an image tag (got "1 0"); expected letters, digits, dots, dashes and underscores, at most 128.',
    ],
    [
      { digest: "sha256:abc" },
      'digest: is not an image digest (got "sha256:abc"); expected sha256: and 64 hexadecimal digits in lower case.',
    ],
    [
      { secrets: ["A_KEY", "github_token"] },
      'secrets[1]: is not the name of a secret (got "github_token"); expected UPPER_SNAKE_CASE, such as GITHUB_TOKEN.',
    ],
    [
      { env: { "1ST": "x" } },
      "env.1ST: is not the name of an environment variable; expected letters, digits and underscores, not starting with a digit.",
    ],
    [
      { secrets: ["A_KEY"], env: { A_KEY: "hush" } },
      "env.A_KEY: is a secret of this server and would be readable in its pods. Remove it here and set it in the secret store.",
    ],
    [
      { env: { PORT: "9000" } },
      "env.PORT: is derived from the server's port. Remove it; the port is set in the catalog row.",
    ],
    [{ needs: { servers: ["a"] } }, 'needs.servers[0]: the server needs itself (got "a"). Remove it.'],
    [
      { needs: { servers: ["nowhere"] } },
      'needs.servers[0]: is not a server of the catalog (got "nowhere"). Remove it, or add a row to the catalog.',
    ],
    [
      { needs: { databases: ["postgress"] } },
      'needs.databases[0]: is not an allowed value (got "postgress"); expected one of "postgres", "redis", "vector".',
    ],
    [
      { heathPath: "/" },
      "heathPath: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
    ],
    [{ port: "8080" }, 'port: has the wrong type (got "8080"); expected number.'],
  ])("%j", (rest, expected) => {
    expect(messages({ a: row(rest) })).toEqual([`mcp.servers.a.${expected}`]);
  });

  test.each(["latest", "main", "master", "prod", "dev", "Latest", "staging", "nightly", "stable"])(
    "the tag %s moves",
    (tag) => {
      expect(messages({ a: row({ tag }) })).toEqual([
        `mcp.servers.a.tag: moves from image to image (got "${tag}"); expected a tag that is never moved, such as a version. Name a version, or pin the image by digest alone.`,
      ]);
    },
  );

  test.each<[object]>([
    [{ port: 1 }],
    [{ port: 65535 }],
    [{ replicas: 0, gpus: 4 }],
    [{ resources: { requests: { cpu: 0.5, memory: "0.5Gi" } } }],
    [{ image: "name", tag: "1.0.0-rc.1", digest: DIGEST }],
    [{ image: "localhost:5000/owner/some_name__x.y-z" }],
    [{ secrets: ["S3", "A_1_KEY"], env: { log_level: "debug" } }],
    [{ metrics: { path: "/stats" }, healthPath: "/" }],
  ])("%j is fine", (rest) => {
    expect(messages({ a: row(rest) })).toEqual([]);
  });
});

describe("names", () => {
  const INVALID = "the name does not make a valid Kubernetes name";
  const EXPECTED =
    "expected lower-case letters, digits and dashes, at most 63 characters. Rename the server.";

  test.each(["GitHub", "a.b", "a_", "ü", "", "a b"])("%j does not make a Kubernetes name", (name) => {
    const [first] = messages({ [name]: row() });
    expect(first).toBe(
      `mcp.servers.${name}: ${INVALID} (got "sophia-mcp-${name.replaceAll("_", "-")}"); ${EXPECTED}`,
    );
  });

  test("63 characters with the prefix are allowed, 64 are not", () => {
    const longest = "x".repeat(63 - "sophia-mcp-".length);
    expect(messages({ [longest]: row() })).toEqual([]);
    expect(messages({ [`${longest}x`]: row() })).toEqual([
      `mcp.servers.${longest}x: ${INVALID} (got "sophia-mcp-${longest}x"); ${EXPECTED}`,
    ]);
  });

  test("two names with one Kubernetes name and route", () => {
    expect(messages({ a_b: row(), "a-b": row() })).toEqual([
      'mcp.servers.a-b: has the Kubernetes name and the route of mcp.servers.a_b (got "sophia-mcp-a-b, /mcp/a-b"). Rename one of them.',
    ]);
  });
});

describe("needs", () => {
  const needs = (...servers: string[]): McpServerRow => row({ needs: { servers } });

  test("a misspelt need names the nearest server", () => {
    expect(messages({ a: needs("gihub"), github: row() })).toEqual([
      'mcp.servers.a.needs.servers[0]: is not a server of the catalog (got "gihub"). Did you mean "github"? Otherwise remove it.',
    ]);
  });

  test("a needed server must be enabled, by the row or by the override", () => {
    const disabled = [
      'mcp.servers.a.needs.servers[0]: the needed server is disabled (got "b"); expected an enabled server. Set mcp.servers.b.enabled to true, or mcp.servers.a.enabled to false.',
    ];
    expect(messages({ a: needs("b"), b: row({ enabled: false }) })).toEqual(disabled);
    expect(messages({ a: needs("b"), b: row() }, { b: { enabled: false } })).toEqual(disabled);
    expect(messages({ a: needs("b"), b: row({ enabled: false }) }, { b: { enabled: true } })).toEqual([]);
    expect(messages({ a: needs("b"), b: row() }, { a: { enabled: false }, b: { enabled: false } })).toEqual(
      [],
    );
  });

  test("a circle is named", () => {
    expect(messages({ x: needs("a"), a: needs("b"), b: needs("c"), c: needs("a") })).toEqual([
      "mcp.servers.a.needs.servers: the needs go round in a circle: a -> b -> c -> a. Remove one of these needs.",
    ]);
  });

  test("needs that meet again are no circle", () => {
    expect(messages({ a: needs("b", "c"), b: needs("d"), c: needs("d"), d: row() })).toEqual([]);
  });
});

describe("GPUs", () => {
  const rows = {
    a: row({ gpus: 2 }),
    b: row({ gpus: 1, replicas: 3 }),
    off: row({ gpus: 8, enabled: false }),
  };

  test("the quota counts every pod of every enabled server", () => {
    expect(messages(rows, {}, 4)).toEqual([
      "mcp.gpuQuota: the enabled servers ask for 5 GPUs (a 2, b 3) (got 4); expected at least 5. Raise it, or lower gpus or replicas of these servers.",
    ]);
    expect(messages(rows, {}, 5)).toEqual([]);
    expect(messages(rows, { b: { replicas: 2 } }, 4)).toEqual([]);
  });
});

describe("overrides", () => {
  test("of an unknown server", () => {
    expect(messages({ github: row() }, { gihub: {}, kubernetes: {} })).toEqual([
      'mcp.servers.gihub: is not a server of the catalog. Did you mean "github"? Otherwise remove it.',
      "mcp.servers.kubernetes: is not a server of the catalog. Remove it, or add a row to the catalog.",
    ]);
  });

  test("with unknown fields or wrong types", () => {
    const override = {
      port: 9000,
      replicas: "2",
      resources: { limits: { gpu: 1 } },
    } as unknown as McpServerOverride;
    expect(messages({ a: row() }, { a: override }).sort()).toEqual([
      "mcp.servers.a.port: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
      'mcp.servers.a.replicas: has the wrong type (got "2"); expected number.',
      "mcp.servers.a.resources.limits.gpu: is not a known setting. Remove it, or look up its spelling in docs/configuration.md.",
    ]);
  });

  test("are checked together with the row they change", () => {
    expect(messages({ a: row() }, { a: { resources: { requests: { memory: "1Gi" } } } })).toEqual([
      'mcp.servers.a.resources.requests.memory: is more than the limit (got "1Gi"); expected at most 512Mi. Lower it, or raise resources.limits.memory.',
    ]);
    expect(messages({ a: row({ secrets: ["A_KEY"] }) }, { a: { env: { A_KEY: "hush" } } })).toEqual([
      "mcp.servers.a.env.A_KEY: is a secret of this server and would be readable in its pods. Remove it here and set it in the secret store.",
    ]);
  });
});

test("everything that is wrong is reported at once", () => {
  const problems = checkCatalog(
    {
      a: row({ port: 0, gpus: 9, healthPath: "x", needs: { servers: ["B", "nowhere"] } }),
      B: row({ tag: "latest", needs: { servers: ["a"] } }),
    },
    { c: {} },
    { gpuQuota: 4 },
  );
  expect(problems.map(({ path }) => path)).toEqual([
    "mcp.servers.c",
    "mcp.servers.B",
    "mcp.servers.a.port",
    "mcp.servers.a.healthPath",
    "mcp.servers.a.needs.servers[1]",
    "mcp.servers.B.tag",
    "mcp.servers.a.needs.servers",
    "mcp.gpuQuota",
  ]);
});
