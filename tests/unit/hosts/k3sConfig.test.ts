import fc from "fast-check";
import { checkConfig, K3sRefusal, mergeConfig, parseArgs, toRecord } from "../../../sandbox/hosts/k3sConfig";

const agent = { server: "https://10.0.0.1:6443", token: "x" };

describe("checkConfig", () => {
  test("accepts what the platform writes", () => {
    const config = checkConfig("server", {
      "cluster-init": true,
      "token-file": "/etc/rancher/k3s/token",
      "tls-san": "api.sophia.test",
      "write-kubeconfig-mode": "0600",
      "flannel-backend": "wireguard-native",
      disable: ["traefik"],
      "node-label": ["sophia.ai/pool=core", "node.kubernetes.io/pool=a"],
      "node-taint": ["dedicated=core:NoSchedule"],
    });
    expect(config["tls-san"]).toEqual(["api.sophia.test"]);
  });

  test.each([
    ["agent", { token: "x" }, "--server is required"],
    ["agent", { server: "https://10.0.0.1:6443" }, "--token is required"],
    ["server", { server: "https://10.0.0.1:6443" }, "--token is required"],
    ["server", { ...agent, "cluster-init": true }, "cannot use both --cluster-init and --server"],
    ["server", { "tls-sans": ["a"] }, "flag provided but not defined: -tls-sans"],
    ["agent", { ...agent, "tls-san": ["a"] }, "flag provided but not defined: -tls-san"],
    ["server", { "cluster-init": "perhaps" }, 'invalid value "perhaps" for flag -cluster-init'],
    ["server", { "node-label": ["plain"] }, "invalid node label: plain"],
    ["server", { "node-taint": ["a=b:Never"] }, "invalid taint spec: a=b:Never"],
    [
      "agent",
      { ...agent, "node-label": ["node-role.kubernetes.io/gpu=true", "a.b/c=d"] },
      "unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [node-role.kubernetes.io/gpu]",
    ],
  ] as const)("refuses for a %s %j", (role, raw, message) => {
    expect(() => checkConfig(role, raw)).toThrow(new K3sRefusal(message));
  });
});

test("files are merged in order, `key+` adds, arguments win", () => {
  const files = [
    { path: "a", content: "tls-san: [one]\ntoken: a\n" },
    { path: "b", content: "tls-san+: [two]\ntoken: b\n" },
  ];
  expect(mergeConfig(files, { token: "c" })).toEqual({ "tls-san": ["one", "two"], token: "c" });
});

test.each([
  ["- a\n", "config.yaml: cannot unmarshal into a mapping"],
  [
    "a: [\n",
    "config.yaml: Flow sequence in block collection must be sufficiently indented and end with a ] at line 2, column 1:",
  ],
])("a file that is no mapping is refused: %j", (content, message) => {
  expect(() => mergeConfig([{ path: "config.yaml", content }], {})).toThrow(new K3sRefusal(message));
});

test("arguments are read in all their forms", () => {
  expect(parseArgs(["--cluster-init", "--tls-san", "a", "--tls-san=b", "-v", "2"])).toEqual({
    "cluster-init": true,
    "tls-san": ["a", "b"],
    v: "2",
  });
  expect(() => parseArgs(["serve"])).toThrow(new K3sRefusal("No help topic for 'serve'"));
});

test("labels become a record whatever their values hold", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/);
  fc.assert(
    fc.property(fc.dictionary(word, fc.string()), (labels) => {
      expect(toRecord(Object.entries(labels).map(([key, value]) => `${key}=${value}`))).toEqual({
        ...labels,
      });
    }),
  );
});
