/** The cluster against recording mocks: what it registers, under which names, in which order, with which secrets. */
import * as pulumi from "@pulumi/pulumi";
import { K3sCluster, type K3sClusterArgs, type K3sNode } from "../../../components/cluster/k3sCluster";
import { agentScript, serverScript } from "../../../components/cluster/k3sScripts";
import { podSecureNamespace } from "../../../components/cluster/namespace";
import { identities, one, runProgram, type Answers } from "../../support/program";

const COMMAND = "command:remote:Command";
const PASSWORD = "random:index/randomPassword:RandomPassword";

class Machine extends pulumi.CustomResource {
  constructor(name: string) {
    super("test:index:Machine", name, {});
  }
}

const answers: Answers = {
  [PASSWORD]: ({ name }) => ({ result: `hush-${name}` }),
  [COMMAND]: () => ({
    stdout:
      "clusters: [{ cluster: { certificate-authority-data: Y2E= } }]\n" +
      "users: [{ user: { client-certificate-data: Y2VydA==, client-key-data: a2V5 } }]\n",
  }),
};

describe("K3sCluster", () => {
  const args: Omit<K3sClusterArgs, "nodes"> = {
    release: { version: "v1.36.3+k3s1", downloadUrl: "https://mirror.example/k3s" },
    ssh: { user: "ubuntu", port: 2222, privateKey: pulumi.secret("hush-key") },
    apiPort: 7443,
    tlsSans: ["api.example"],
  };
  const node = (name: string, role: K3sNode["role"], ip: string): K3sNode => ({
    role,
    machine: new Machine(name),
    ip,
    labels: { "sophia-ai/pool": name },
    taints: [],
  });
  const build = (agents: readonly string[]) => (): K3sCluster =>
    new K3sCluster("edge", {
      ...args,
      nodes: {
        ...Object.fromEntries(agents.map((name, i) => [name, node(name, "agent", `198.51.100.${i + 2}`)])),
        main: node("main", "server", "198.51.100.1"),
      },
    });
  const facts = (name: string) => ({
    name: `edge-${name}`,
    labels: { "sophia-ai/pool": name },
    taints: [],
  });
  const connection = {
    port: 2222,
    user: "ubuntu",
    privateKey: "hush-key",
    dialErrorLimit: 120,
    perDialTimeout: 15,
  };

  test("registers two tokens, a bootstrap for each node, one read of the kubeconfig, one provider", async () => {
    const { registrations } = await runProgram(build(["gpu-1", "gpu-2"]), { answers });
    expect(identities(registrations)).toEqual([
      "command:remote:Command::edge-gpu-1-k3s",
      "command:remote:Command::edge-gpu-2-k3s",
      "command:remote:Command::edge-kubeconfig",
      "command:remote:Command::edge-main-k3s",
      "pulumi:providers:kubernetes::edge-provider",
      "random:index/randomPassword:RandomPassword::edge-agent-token",
      "random:index/randomPassword:RandomPassword::edge-server-token",
      "sophia:cluster:K3sCluster::edge",
      "test:index:Machine::gpu-1",
      "test:index:Machine::gpu-2",
      "test:index:Machine::main",
    ]);
    for (const { name, type, options } of registrations.filter((r) => r.name.startsWith("edge-")))
      expect([name, type, options.parent]).toEqual([name, type, "edge"]);
  });

  test("the server is bootstrapped with both tokens, which are on standard input alone", async () => {
    const { registrations } = await runProgram(build([]), { answers });
    const { inputs, secrets, options } = one(registrations, COMMAND, "edge-main-k3s");
    expect(inputs).toMatchObject({
      connection: { ...connection, host: "198.51.100.1" },
      create: serverScript(args.release, {
        ...facts("main"),
        ip: "198.51.100.1",
        apiPort: 7443,
        tlsSans: ["api.example"],
      }),
      stdin: "hush-edge-server-token\nhush-edge-agent-token\n",
      triggers: ["main-id"],
    });
    expect(secrets).toEqual(expect.arrayContaining(["connection", "stdin"]));
    expect(options.deletedWith).toBe("main");
    expect(inputs.create).not.toContain("hush");
  });

  test("agents wait for the server and for nobody else, and know the agent token alone", async () => {
    const { registrations } = await runProgram(build(["gpu-1", "gpu-2"]), { answers });
    for (const name of ["gpu-1", "gpu-2"]) {
      const { inputs, secrets, options } = one(registrations, COMMAND, `edge-${name}-k3s`);
      expect(inputs).toMatchObject({
        create: agentScript(args.release, { ...facts(name), serverUrl: "https://198.51.100.1:7443" }),
        stdin: "hush-edge-agent-token\n",
        triggers: [`${name}-id`],
      });
      expect(secrets).toContain("stdin");
      expect(options.dependencies).toEqual(["edge-agent-token", "edge-main-k3s", name].sort());
      expect(options.deletedWith).toBe(name);
    }
  });

  test("another agent changes nothing about the nodes that are there", async () => {
    const before = await runProgram(build(["gpu-1"]), { answers });
    const after = await runProgram(build(["gpu-1", "gpu-2"]), { answers });
    for (const known of before.registrations.filter(({ type }) => !type.startsWith("sophia:")))
      expect(one(after.registrations, known.type, known.name)).toEqual(known);
  });

  test("the kubeconfig is secret from the command that reads it to the provider that uses it", async () => {
    const { registrations, result } = await runProgram(build([]), { answers });
    const read = one(registrations, COMMAND, "edge-kubeconfig");
    expect(read.inputs).toMatchObject({ create: "sudo cat /etc/rancher/k3s/k3s.yaml", logging: "none" });
    expect(read.options.additionalSecretOutputs).toEqual(expect.arrayContaining(["stdout"]));
    expect(read.options.dependencies).toContain("edge-main-k3s");
    const provider = one(registrations, "pulumi:providers:kubernetes", "edge-provider");
    expect(provider.secrets).toContain("kubeconfig");
    expect(provider.inputs.clusterIdentifier).toBe("test/edge");
    expect(provider.inputs.kubeconfig).toContain("server: https://198.51.100.1:7443");
    expect(await pulumi.isSecret(result.kubeconfig)).toBe(true);
  });

  test("what a component says about itself in state holds no secret", async () => {
    const { registrations } = await runProgram(build(["gpu-1"]), { answers });
    expect(one(registrations, "sophia:cluster:K3sCluster", "edge").inputs).toEqual({
      version: "v1.36.3+k3s1",
      nodes: ["gpu-1", "main"],
    });
  });

  test.each([
    [0, "got 0"],
    [2, "got 2"],
  ])("%i servers are refused", async (count, got) => {
    const nodes = (): K3sClusterArgs["nodes"] =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`s-${i}`, node(`s-${i}`, "server", "198.51.100.1")]),
      );
    await expect(runProgram(() => new K3sCluster("edge", { ...args, nodes: nodes() }))).rejects.toThrow(
      new Error(
        `edge: the number of server nodes is not supported (${got}); expected exactly 1. Give one node the role server.`,
      ),
    );
  });
});

describe("namespaces", () => {
  test("an exception needs a reason", async () => {
    await expect(
      runProgram(() => podSecureNamespace("x", { name: "x", podSecurity: "privileged" }, {})),
    ).rejects.toThrow(
      new Error(
        'namespace x: an exception has no reason (got "privileged"); expected "restricted" or a reason. Say why its pods need more.',
      ),
    );
  });
});
