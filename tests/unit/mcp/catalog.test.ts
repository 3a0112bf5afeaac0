import fc from "fast-check";
import {
  k8sName,
  mcpServerOverrideSchema,
  resolveServer,
  type McpServerOverride,
  type McpServerRow,
} from "../../../components/mcp/catalog";
import { didYouMean } from "../../../components/didYouMean";
import { needCycles } from "../../../components/mcp/needs";

const DIGEST = `sha256:${"a".repeat(64)}`;
const row = (rest: Partial<McpServerRow> = {}): McpServerRow => ({ category: "core-ai", ...rest });

describe("resolveServer", () => {
  test("a row needs no more than its name and category", () => {
    expect(resolveServer("two_words", { category: "core-ai" })).toEqual({
      name: "two_words",
      k8sName: "two-words",
      objectName: "sophia-mcp-two-words",
      route: "/mcp/two-words",
      category: "core-ai",
      description: "MCP server two_words",
      enabled: true,
      transport: "http",
      port: 8080,
      healthPath: "/health",
      probeHost: undefined,
      metrics: undefined,
      replicas: 1,
      resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
      gpus: 0,
      needs: { databases: [], servers: [] },
      secrets: [],
      env: {},
      egress: [],
      image: undefined,
      tag: undefined,
      digest: undefined,
    });
  });

  test("the override wins over the row, the row over the default, value by value", () => {
    const server = resolveServer(
      "a",
      row({
        replicas: 2,
        gpus: 1,
        resources: { limits: { cpu: "2", memory: "1Gi" } },
        env: { A: "row", B: "row" },
      }),
      {
        enabled: false,
        replicas: 0,
        resources: { limits: { cpu: 3 }, requests: { memory: 1000 } },
        env: { A: "override" },
      },
    );
    expect(server).toMatchObject({ enabled: false, replicas: 0, gpus: 1, env: { A: "override", B: "row" } });
    expect(server.resources).toEqual({
      requests: { cpu: "100m", memory: "1000" },
      limits: { cpu: "3", memory: "1Gi" },
    });
  });

  test.each<[McpServerRow["metrics"], unknown]>([
    [undefined, undefined],
    [false, undefined],
    [true, { path: "/metrics" }],
    [{ path: "/stats" }, { path: "/stats" }],
  ])("metrics %j are resolved to %j", (metrics, expected) => {
    expect(resolveServer("a", row(metrics === undefined ? {} : { metrics })).metrics).toEqual(expected);
  });

  test.each<[Partial<McpServerRow>, readonly string[]]>([
    [{}, []],
    [{ secrets: ["A_KEY"] }, ["internet"]],
    [{ secrets: ["A_KEY"], egress: [] }, []],
    [{ egress: ["internet"] }, ["internet"]],
  ])("with %j the egress is %j", (rest, expected) => {
    expect(resolveServer("a", row(rest)).egress).toEqual(expected);
  });

  test.each<[McpServerOverride, unknown]>([
    [{}, { image: "row/image", tag: "1.0", digest: DIGEST }],
    [{ image: "other/image" }, { image: "other/image", tag: undefined, digest: undefined }],
    [{ tag: "2.0" }, { image: "row/image", tag: "2.0", digest: undefined }],
    [{ digest: DIGEST }, { image: "row/image", tag: undefined, digest: DIGEST }],
  ])("the override %j never mixes its image with the row's digest", (override, expected) => {
    expect(
      resolveServer("a", row({ image: "row/image", tag: "1.0", digest: DIGEST }), override),
    ).toMatchObject(expected as object);
  });
});

test("the override schema takes what it documents and nothing else", () => {
  const full = {
    enabled: true,
    replicas: 2,
    image: "ghcr.io/owner/name",
    tag: "1.2.3",
    digest: DIGEST,
    resources: { requests: { cpu: 1, memory: "1Gi" }, limits: { cpu: "2" } },
    gpus: 1,
    env: { LOG_LEVEL: "debug" },
  };
  expect(mcpServerOverrideSchema.parse(full)).toEqual(full);
  expect(mcpServerOverrideSchema.parse({})).toEqual({});
  expect(mcpServerOverrideSchema.safeParse({ port: 9000 }).success).toBe(false);
});

describe("k8sName", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const pythonName = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join("_"));

  test("makes a DNS-1123 label of every lower-case Python name", () => {
    fc.assert(fc.property(pythonName, (name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(k8sName(name))));
  });

  test("changes nothing but underscores, keeps the length, and is idempotent", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const mapped = k8sName(name);
        expect(mapped).toHaveLength(name.length);
        expect(k8sName(mapped)).toBe(mapped);
        for (let i = 0; i < name.length; i++) expect(mapped[i]).toBe(name[i] === "_" ? "-" : name[i]);
      }),
    );
  });

  test("keeps different Python names apart", () => {
    fc.assert(fc.property(pythonName, pythonName, (a, b) => (a === b) === (k8sName(a) === k8sName(b))));
  });
});

describe("didYouMean", () => {
  const known = ["github", "gitlab", "slack", "a"];

  test.each([
    ["gihub", "github"],
    ["github", "github"],
    ["slck", "slack"],
    ["b", "a"],
    ["kubernetes", undefined],
    ["", "a"],
  ])("%j: %j", (typed, expected) => {
    expect(didYouMean(typed, known)).toBe(expected);
  });

  test("finds a name in which one character was left out, put in or changed", () => {
    const name = fc.stringMatching(/^[a-z_]{4,20}$/);
    fc.assert(
      fc.property(
        name,
        fc.nat(),
        fc.constantFrom("left out", "put in", "changed"),
        (original, seed, edit) => {
          const i = seed % original.length;
          const typed =
            original.slice(0, i) +
            (edit === "left out" ? "" : "#") +
            original.slice(edit === "put in" ? i : i + 1);
          expect(didYouMean(typed, ["0123456789012345", original])).toBe(original);
        },
      ),
    );
  });
});

describe("needCycles", () => {
  const names = ["a", "b", "c", "d", "e"];
  const edges = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 12 });
  const graph = (pairs: readonly [number, number][]): Map<string, string[]> =>
    new Map(
      names.map((name, i) => [name, pairs.filter(([from]) => from === i).map(([, to]) => names[to] ?? "")]),
    );

  test("finds none when servers only need earlier ones", () => {
    fc.assert(
      fc.property(edges, (pairs) => needCycles(graph(pairs.filter(([from, to]) => to < from))).length === 0),
    );
  });

  test("what it finds are circles, and without their needs none is left", () => {
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = graph(pairs);
        for (const cycle of needCycles(needs)) {
          cycle.forEach((name, i) => {
            const next = cycle[(i + 1) % cycle.length] ?? "";
            expect(name).not.toBe(next);
            expect(needs.get(name)).toContain(next);
          });
        }
        const closing = new Set(needCycles(needs).map((cycle) => `${cycle.at(-1) ?? ""}>${cycle[0]}`));
        const rest = new Map(
          [...needs].map(([name, list]) => [name, list.filter((need) => !closing.has(`${name}>${need}`))]),
        );
        expect(needCycles(rest)).toEqual([]);
      }),
    );
  });
});
