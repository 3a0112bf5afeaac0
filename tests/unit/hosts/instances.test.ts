import { parseAllDocuments } from "yaml";
import { parseTaint, renderNode, renderNodeStatus, type NodeSpec } from "../../../sandbox/controlPlane/nodes";
import { renderStages } from "../../../sandbox/controlPlane/stages";
import { parseUserData } from "../../../sandbox/hosts/cloudInit";
import type { InstanceSnapshot } from "../../../sandbox/hosts/instance";
import { nvidiaSmi } from "../../../sandbox/hosts/nvidia";

const instance: InstanceSnapshot = {
  id: "abc",
  name: "gpu",
  status: "active",
  ip: "127.77.0.2",
  instanceType: "gpu_2x_h100_sxm5",
  gpus: 2,
  vcpus: 52,
  memoryGib: 450,
  storageGib: 5632,
  architecture: "amd64",
  gpuDescription: "H100 (80 GB SXM5)",
  sshPublicKeys: [],
  hostname: "gpu",
  region: "us-east-1",
};

describe("nvidia-smi", () => {
  test.each([
    [
      ["--query-gpu=index,name,memory.total", "--format=csv"],
      "index, name, memory.total\n0, NVIDIA H100, 81920 MiB\n1, NVIDIA H100, 81920 MiB",
    ],
    [["--query-gpu=memory.total", "--format=csv,noheader,nounits"], "81920\n81920"],
  ])("%j", (args, stdout) => {
    expect(nvidiaSmi(instance, args)).toEqual({ code: 0, stdout });
  });

  test("lists the same GPUs each time", () => {
    const list = nvidiaSmi(instance, ["-L"]);
    expect(list.stdout).toMatch(
      /^GPU 0: NVIDIA H100 \(UUID: GPU-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\)\nGPU 1:/,
    );
    expect(nvidiaSmi(instance, ["-L"])).toEqual(list);
  });

  test("fails as on a machine without GPUs, and for unknown fields", () => {
    expect(nvidiaSmi({ ...instance, gpus: 0 }, ["-L"]).code).toBe(9);
    expect(nvidiaSmi(instance, ["--query-gpu=mood", "--format=csv"])).toEqual({
      code: 2,
      stdout: 'Field "mood" is not a valid field to query.',
    });
  });
});

describe("a node", () => {
  const spec: NodeSpec = {
    name: "gpu",
    instanceType: "gpu_2x_h100_sxm5",
    cpu: 52,
    memoryGib: 450,
    storageGib: 5632,
    gpus: 2,
    architecture: "arm64",
    ip: "127.77.0.2",
    labels: { "sophia.ai/pool": "gpu" },
    taints: ["nvidia.com/gpu=true:NoSchedule", "dedicated:NoExecute"],
    region: "us-east-1",
    kubeletVersion: "v1.36.3+k3s1",
  };

  test("carries the instance's labels and taints", () => {
    expect(renderNode(spec)).toMatchObject({
      metadata: {
        annotations: { "kwok.x-k8s.io/node": "fake" },
        labels: {
          "kubernetes.io/arch": "arm64",
          "sophia.ai/pool": "gpu",
          "topology.kubernetes.io/region": "us-east-1",
        },
      },
      spec: {
        taints: [
          { key: "nvidia.com/gpu", value: "true", effect: "NoSchedule" },
          { key: "dedicated", effect: "NoExecute" },
        ],
      },
    });
  });

  test("has GPUs only if the instance has some", () => {
    const capacity = { cpu: "52", memory: "450Gi", "ephemeral-storage": "5632Gi", pods: "250" };
    expect(renderNodeStatus(spec)).toMatchObject({
      status: { capacity: { ...capacity, "nvidia.com/gpu": "2" } },
    });
    expect((renderNodeStatus({ ...spec, gpus: 0 }) as { status: object }).status).toMatchObject({
      allocatable: capacity,
    });
    expect(JSON.stringify(renderNodeStatus({ ...spec, gpus: 0 }))).not.toContain("nvidia");
  });

  test.each(["a", "a=b", "a=b:Sometimes", "=b:NoSchedule"])("no taint: %s", (text) => {
    expect(parseTaint(text)).toBeUndefined();
  });
});

test("stages are one kwok document each, with the delays asked for", () => {
  const documents = parseAllDocuments(renderStages("127.77.0.1", { podReadyMs: 5 })).map(
    (document) => document.toJS() as { kind: string; metadata: { name: string }; spec: { delay?: object } },
  );
  expect(documents.map(({ metadata }) => metadata.name)).toEqual([
    "node-ready",
    "node-heartbeat",
    "pod-ready",
    "pod-complete",
    "pod-delete",
    "load-balancer",
  ]);
  expect(documents[2]?.spec.delay).toEqual({ durationMilliseconds: 5 });
});

describe("user data", () => {
  test("may be a script", () => {
    expect(parseUserData("#!/bin/sh\necho hi\n")).toEqual({
      authorizedKeys: [],
      files: [],
      script: "#!/bin/sh\necho hi\n",
    });
  });

  test("may be a cloud-config", () => {
    const text = [
      "#cloud-config",
      "ssh_keys: { ed25519_private: KEY }",
      "write_files: [{ path: /etc/a, encoding: b64, content: aGk=, permissions: '0600' }]",
      "runcmd: [[echo, it's], ls]",
    ].join("\n");
    expect(parseUserData(text)).toEqual({
      hostKey: "KEY",
      authorizedKeys: [],
      files: [{ path: "/etc/a", content: "hi", mode: 0o600 }],
      script: "'echo' 'it'\\''s'\nls",
    });
  });

  test.each([undefined, "", "Content-Type: multipart/mixed"])("may be nothing: %j", (text) => {
    expect(parseUserData(text)).toEqual({ authorizedKeys: [], files: [], script: "" });
  });
});
