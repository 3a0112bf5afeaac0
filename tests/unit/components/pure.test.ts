import fc from "fast-check";
import { stringify } from "yaml";
import { podSpec } from "../../../components/app/podTemplate";
import { didYouMean } from "../../../components/didYouMean";
import { externalKubeconfig } from "../../../components/cluster/kubeconfig";
import { chartSource, mergeValues, type HelmValues } from "../../../components/helm/chart";
import { resolveServer } from "../../../components/mcp/catalog";
import { gatewayRegistry } from "../../../components/mcp/gatewayRegistry";
import { imageReference } from "../../../components/mcp/image";

describe("externalKubeconfig", () => {
  const k3sYaml = (server: string): string =>
    stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "default", cluster: { server, "certificate-authority-data": "Y2E=" } }],
      contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
      users: [
        { name: "default", user: { "client-certificate-data": "Y2VydA==", "client-key-data": "a2V5" } },
      ],
    });

  test("points at the public address, with sorted keys", () => {
    const text = externalKubeconfig(k3sYaml("https://127.0.0.1:6443"), "sophia", "https://198.51.100.7:6443");
    expect(text).toMatchSnapshot();
  });

  test("does not depend on what k3s calls the server", () => {
    const of = (address: string): string =>
      externalKubeconfig(k3sYaml(address), "sophia", "https://198.51.100.7:6443");
    expect(of("https://127.0.0.1:6443")).toBe(of("https://localhost:6443"));
  });

  test("text that is no kubeconfig is refused without quoting it", () => {
    expect(() => externalKubeconfig("clusters: [hush]", "sophia", "https://x")).toThrow(
      new Error(
        "/etc/rancher/k3s/k3s.yaml: the kubeconfig is not what k3s writes (problems at clusters.0, users). Log in to the server and look at the k3s service.",
      ),
    );
  });
});

describe("chartSource", () => {
  const pin = { name: "widgets", version: "1.2.3", repository: "https://charts.example" };

  test.each([
    [undefined, { chart: "widgets", version: "1.2.3", repositoryOpts: { repo: "https://charts.example" } }],
    ["/mirror/", { chart: "/mirror/widgets-1.2.3.tgz", version: "1.2.3" }],
    ["oci://registry.example/charts/", { chart: "oci://registry.example/charts/widgets", version: "1.2.3" }],
    [
      "https://mirror.example",
      { chart: "widgets", version: "1.2.3", repositoryOpts: { repo: "https://mirror.example" } },
    ],
  ])("from %s", (mirror, source) => {
    expect(chartSource(pin, mirror)).toEqual(source);
  });

  test("a mirror replaces the repository, and the version is always pinned", () => {
    const mirror = fc.oneof(
      fc.webUrl(),
      fc.webAuthority().map((host) => `oci://${host}/charts`),
      fc.constant("/mirror"),
    );
    fc.assert(
      fc.property(mirror, fc.webUrl(), (from, repository) => {
        expect(chartSource({ ...pin, repository }, from)).toEqual(chartSource({ ...pin, repository: from }));
        expect(chartSource({ ...pin, repository }, from).version).toBe("1.2.3");
      }),
    );
  });
});

describe("mergeValues", () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.array(fc.integer()));
  const values = fc.letrec<{ tree: HelmValues }>((tie) => ({
    tree: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof({ maxDepth: 3 }, leaf, tie("tree"))),
  })).tree;

  test("merges maps key by key and replaces everything else", () => {
    expect(mergeValues({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3] }, d: { e: 2 } })).toEqual({
      a: { b: 1, c: [3] },
      d: { e: 2 },
    });
  });

  test("nothing is an identity, and the same twice is the same", () => {
    fc.assert(
      fc.property(values, (v) => {
        expect(mergeValues({}, v)).toEqual(mergeValues(v, {}));
        expect(mergeValues(v, v)).toEqual(mergeValues(v));
      }),
    );
  });

  test("later layers win, whatever was there", () => {
    fc.assert(
      fc.property(values, fc.constantFrom("a", "b", "c"), leaf, (v, key, value) => {
        expect(mergeValues(v, { [key]: value })).toEqual({ ...mergeValues(v), [key]: value });
      }),
    );
  });

  test("is associative and changes no input", () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const before = JSON.stringify([a, b, c]);
        expect(mergeValues(mergeValues(a, b), c)).toEqual(mergeValues(a, b, c));
        expect(JSON.stringify([a, b, c])).toBe(before);
      }),
    );
  });
});

describe("images", () => {
  const own = { registry: "docker.io/example", tag: "2.0.0" };
  const github = { objectName: "sophia-mcp-github", image: undefined, tag: undefined, digest: undefined };

  test.each([
    [github, "docker.io/example/sophia-mcp-github:2.0.0"],
    [{ ...github, tag: "2.1.0" }, "docker.io/example/sophia-mcp-github:2.1.0"],
    [{ ...github, tag: "2.1.0", digest: "sha256:abc" }, "docker.io/example/sophia-mcp-github@sha256:abc"],
    [{ ...github, image: "ghcr.io/x/y" }, "ghcr.io/x/y:2.0.0"],
  ])("%j", (image, reference) => {
    expect(imageReference(image, own)).toBe(reference);
  });
});

describe("gatewayRegistry", () => {
  const fleet = ["slack", "github", "ai_memory"].map((name) =>
    resolveServer(name, { category: "integrations" }),
  );

  test("says how to reach and check every server, sorted", () => {
    const registry = JSON.parse(gatewayRegistry(fleet, "apps")) as Record<string, unknown>;
    expect(Object.keys(registry)).toEqual(["ai_memory", "github", "slack"]);
    expect(registry.ai_memory).toEqual({
      type: "http",
      category: "integrations",
      service: "sophia-mcp-ai-memory",
      port: 8080,
      url: "http://sophia-mcp-ai-memory.apps.svc:8080",
      route: "/mcp/ai-memory",
      health_check: "/health",
    });
  });

  test("holds every server once", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/));
    fc.assert(
      fc.property(names, (all) => {
        const servers = all.map((name) => resolveServer(name, { category: "integrations" }));
        expect(Object.keys(JSON.parse(gatewayRegistry(servers, "apps")) as object)).toEqual([...all].sort());
      }),
    );
  });

  test("does not depend on the order of the catalog", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(fleet, { minLength: 3 }), (shuffled) => {
        expect(gatewayRegistry(shuffled, "apps")).toBe(gatewayRegistry(fleet, "apps"));
      }),
    );
  });
});

describe("podSpec", () => {
  const resources = { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } };
  const base = { app: "widget", image: "example/widget:1", port: 8080, resources };

  test("defaults", () => {
    expect(podSpec(base)).toMatchSnapshot();
  });

  test("GPUs are whole, limits only, with runtime class and toleration", () => {
    const pod = podSpec({ ...base, gpus: 2 }) as {
      containers: { resources: unknown }[];
      runtimeClassName: string;
    };
    expect(pod.containers[0]?.resources).toEqual({
      requests: resources.requests,
      limits: { ...resources.limits, "nvidia.com/gpu": "2" },
    });
    expect(pod.runtimeClassName).toBe("nvidia");
  });

  test("probes send the Host header that the server insists on", () => {
    const pod = podSpec({ ...base, healthPath: "/healthz", probeHost: "app.example" }) as unknown as {
      containers: Record<string, { httpGet: unknown }>[];
    };
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      expect(pod.containers[0]?.[probe]?.httpGet).toEqual({
        path: "/healthz",
        port: 8080,
        httpHeaders: [{ name: "Host", value: "app.example" }],
      });
    }
  });
});

describe("didYouMean", () => {
  test.each([
    ["githup", ["github", "gitlab"], "github"],
    ["us-east1", ["us-east-1", "us-west-1"], "us-east-1"],
    ["ab", ["ac", "aa"], "aa"],
    ["gpu_1x_h100", ["cpu_4x_general"], undefined],
    ["", ["github"], undefined],
    ["anything", [], undefined],
  ])("%s among %j", (typed, known, near) => {
    expect(didYouMean(typed, known)).toBe(near);
  });

  test("suggests a known name or nothing; of a known name, itself", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.string(), (known, typed) => {
        expect([...known, undefined]).toContain(didYouMean(typed, known));
        expect(didYouMean(known[0] ?? "", known)).toBe(known[0]);
      }),
    );
  });
});
