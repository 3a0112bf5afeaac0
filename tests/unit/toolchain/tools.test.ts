import fc from "fast-check";
import { parseVersion, tools, type ToolSpec, type Version } from "../../../sandbox/toolchain/tools";

const spec = (name: string): ToolSpec => {
  const tool = (tools as readonly ToolSpec[]).find((row) => row.name === name);
  if (tool === undefined) throw new Error(`${name}: no such tool`);
  return tool;
};

const fits = (name: string, text: string): boolean | undefined => {
  const version = parseVersion(text);
  return version === undefined ? undefined : spec(name).found?.fits(version);
};

describe("parseVersion", () => {
  test.each<[string, Version | undefined]>([
    ["v3.259.0", [3, 259, 0]],
    ["Kubernetes v1.36.3", [1, 36, 3]],
    ["Client Version: v1.35.0\nKustomize Version: v5.7.1", [1, 35, 0]],
    ["etcd Version: 3.6.16\nGit SHA: Not provided", [3, 6, 16]],
    ["v3.22.0+gb1b2c3d", [3, 22, 0]],
    ["kwok version 0.8.0 go1.26.8 (linux/amd64)", [0, 8, 0]],
    ["", undefined],
    ["v1.36", undefined],
  ])("%j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test("reads back every version it is shown", () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(), fc.nat(), fc.nat()), (version) => {
        expect(parseVersion(`tool v${version.join(".")} (linux)`)).toEqual(version);
      }),
    );
  });
});

describe("a tool on PATH is used instead of a built one", () => {
  test.each([
    ["pulumi", "v3.259.0", true],
    ["pulumi", "v3.270.1", true],
    ["pulumi", "v3.258.9", false],
    ["pulumi", "v4.0.0", false],
    ["helm", "v3.22.0", true],
    ["helm", "v3.23.0", true],
    ["helm", "v3.21.9", false],
    ["helm", "v4.3.1", false],
    ["kubectl", "v1.35.0", true],
    ["kubectl", "v1.37.9", true],
    ["kubectl", "v1.34.9", false],
    ["kubectl", "v1.38.0", false],
    ["kubectl", "v2.36.0", false],
    ["etcd", "3.6.0", true],
    ["etcd", "3.7.0", false],
    ["kube-apiserver", "v1.36.0", true],
    ["kube-apiserver", "v1.35.3", false],
    ["kube-controller-manager", "v1.36.9", true],
    ["kube-scheduler", "v1.37.0", false],
    ["kwok", "v0.8.1", true],
    ["kwok", "v0.7.0", false],
  ])("%s %s: %s", (name, version, expected) => {
    expect(fits(name, version)).toBe(expected);
  });

  test("the Kubernetes provider is always our own", () => {
    expect(spec("pulumi-resource-kubernetes").found).toBeUndefined();
  });

  test("every pinned version fits its own rule", () => {
    for (const { name, version, found } of tools as readonly ToolSpec[]) {
      if (found !== undefined) expect([name, fits(name, version)]).toEqual([name, true]);
    }
  });
});
