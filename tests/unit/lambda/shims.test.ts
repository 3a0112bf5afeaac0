import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vm from "node:vm";
import type * as pulumi from "@pulumi/pulumi";
import { FileSystem } from "../../../components/lambda/fileSystem";
import { FirewallRules } from "../../../components/lambda/firewallRules";
import { FirewallRuleset } from "../../../components/lambda/firewallRuleset";
import { Instance } from "../../../components/lambda/instance";
import { SshKey } from "../../../components/lambda/sshKey";
import { ofType, runProgram, type Registration } from "../../support/program";

const INSTANCE = "pulumi-nodejs:dynamic/lambda:Instance";
const SSH_KEY = "pulumi-nodejs:dynamic/lambda:SshKey";
const FILE_SYSTEM = "pulumi-nodejs:dynamic/lambda:FileSystem";
const RULESET = "pulumi-nodejs:dynamic/lambda:FirewallRuleset";
const RULES = "pulumi-nodejs:dynamic/lambda:FirewallRules";
/** A resource of every kind, and the key of its handlers. */
const KINDS = [
  [INSTANCE, "a", "instance"],
  [SSH_KEY, "key", "sshKey"],
  [FILE_SYSTEM, "models", "fileSystem"],
  [RULESET, "nodes", "firewallRuleset"],
  [RULES, "admin", "firewallRules"],
] as const;
const CANARY = "canary-api-key";

let registrations: Registration[];
let project: string;

beforeAll(async () => {
  process.env.LAMBDA_LABS_API_KEY = CANARY;
  ({ registrations } = await runProgram(() => {
    const args = {
      name: "test-node",
      placements: [{ instanceType: "gpu_1x_a10", region: "us-east-1" }],
      sshKeyName: new SshKey("key", { name: "key", publicKey: "ssh-ed25519 AAAA" }).name,
    };
    const region = "us-east-1";
    const ruleset = new FirewallRuleset("nodes", { name: "nodes", region, rules: [] });
    return [
      new Instance("a", args),
      new Instance("b", { ...args, userData: "#cloud-config" }),
      new FileSystem("models", { name: "models", region }),
      new FileSystem("scratch", { name: "scratch", region }, { protect: false }),
      new FirewallRules("admin", { ruleset: ruleset.id, owner: "test", rules: [] }),
    ];
  }));
  delete process.env.LAMBDA_LABS_API_KEY;

  project = mkdtempSync(path.join(tmpdir(), "sophia-shims-"));
  mkdirSync(path.join(project, "components"));
  // Stands for the compiled program: handlers that say what they were called with.
  writeFileSync(
    path.join(project, "components/compiled.cjs"),
    `const method = (kind, name) => async (...args) => ({ kind, name, args });
     const handlers = (kind) => Object.fromEntries(
       ["check", "diff", "create", "read", "update", "delete"].map((name) => [name, method(kind, name)]));
     exports.load = (file) => ({ makeHandlers: (config) => {
       if (file !== "components/lambda-cloud/index.js" || config.get("x") !== "y") throw new Error(file);
       return new Proxy({}, { get: (_, kind) => handlers(kind) });
     } });`,
  );
});

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

const codeOf = (type: string, name: string): string =>
  String(ofType(registrations, type)[name]?.inputs.__provider);

type Provider = pulumi.dynamic.ResourceProvider &
  Required<Pick<pulumi.dynamic.ResourceProvider, "configure">>;

/** Does what the host of dynamic providers does with the code in state. */
function revive(code: string): Provider {
  const exported: { handler?: () => Provider } = {};
  const run = vm.runInThisContext(`(function (exports, require, process) { ${code}\n })`) as (
    ...args: unknown[]
  ) => void;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the code requires by an absolute path
  run(exported, (file: string) => require(file) as unknown, { cwd: () => project });
  if (exported.handler === undefined) throw new Error("the code exports no handler");
  return exported.handler();
}

test("the code in state is tiny, the same for every resource of a kind, and holds no key", () => {
  for (const code of KINDS.map(([type, name]) => codeOf(type, name))) {
    expect(code.length).toBeLessThan(4_096);
    expect(code).not.toContain(CANARY);
    // Nothing by value but the class itself: no module of ours, nothing from node_modules.
    expect(code.match(/require\(/g)).toHaveLength(1);
  }
  expect(codeOf(INSTANCE, "b")).toBe(codeOf(INSTANCE, "a"));
});

// Another text of it plans no change, but stays in the state of resources that exist: change it only for a reason.
test("the code in state is frozen", () => {
  expect(codeOf(INSTANCE, "a")).toMatchSnapshot();
});

test.each(KINDS)(
  "%s hands every call over as soon as configure has been called",
  async (type, name, kind) => {
    const provider = revive(codeOf(type, name));
    const config = { get: () => "y" } as unknown as pulumi.dynamic.Config;
    // Not awaited: the host does not wait for it either.
    const configured = provider.configure({ config });
    const said = (method: string, ...args: unknown[]) => ({ kind, name: method, args });
    await expect(provider.check?.(1, 2)).resolves.toEqual(said("check", 1, 2));
    await expect(provider.diff?.("id", 1, 2)).resolves.toEqual(said("diff", "id", 1, 2));
    await expect(provider.create(1)).resolves.toEqual(said("create", 1));
    await expect(provider.read?.("id", 1)).resolves.toEqual(said("read", "id", 1));
    await expect(provider.update?.("id", 1, 2)).resolves.toEqual(said("update", "id", 1, 2));
    await expect(provider.delete?.("id", 1)).resolves.toEqual(said("delete", "id", 1));
    await configured;
  },
);

test("inputs are what was given; outputs are declared and not known before", () => {
  const { __provider, ...inputs } = ofType(registrations, INSTANCE).b?.inputs ?? {};
  expect(__provider).toBeDefined();
  expect(inputs).toEqual({
    name: "test-node",
    placements: [{ instanceType: "gpu_1x_a10", region: "us-east-1" }],
    sshKeyName: "key",
    userData: "#cloud-config",
  });
});

test("a file system is protected unless its user says otherwise", () => {
  const fileSystems = ofType(registrations, FILE_SYSTEM);
  expect(fileSystems.models?.options.protect).toBe(true);
  expect(fileSystems.scratch?.options.protect).toBe(false);
});

test("what the API tells in confidence is secret", () => {
  expect(ofType(registrations, INSTANCE).a?.options.additionalSecretOutputs).toEqual([
    "userData",
    "jupyterToken",
    "jupyterUrl",
  ]);
  expect(ofType(registrations, SSH_KEY).key?.options.additionalSecretOutputs).toEqual(["privateKey"]);
});
