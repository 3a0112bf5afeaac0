import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { installStandIns } from "../../sandbox/plugins/install";
import { ensureToolchain } from "../../sandbox/toolchain/toolchain";
import { startHost, type TestHost } from "../unit/plugins/sshServer";

/*
 * The real CLI, a file backend, and the compiled stand-ins (run `npm run build` first). Proves that the engine and the
 * stand-ins understand each other through a stack's whole life, not that the official plugins behave the same.
 */
jest.setTimeout(300_000);

const repoRoot = path.resolve(__dirname, "../..");
const run = promisify(execFile);

const PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const random = require("@pulumi/random");
const command = require("@pulumi/command");
const { connection, text, trigger } = JSON.parse(require("node:fs").readFileSync("settings.json", "utf8"));
const password = new random.RandomPassword("password", { length: 20 });
const id = new random.RandomId("id", { byteLength: 4, keepers: { trigger } });
const local = new command.local.Command("local", {
  create: pulumi.interpolate\`echo \${text} \${id.hex}\`,
  update: pulumi.interpolate\`echo \${text}, before: $PULUMI_COMMAND_STDOUT\`,
  triggers: [trigger],
});
const remote = new command.remote.Command("remote", {
  connection,
  create: "printf %s \\"$APP_TEXT:\\"; cat",
  delete: "echo goodbye",
  environment: { APP_TEXT: text },
  stdin: password.result,
});
module.exports = { id: id.hex, password: password.result, local: local.stdout, remote: remote.stdout };
`;

const stateSchema = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), urn: z.string() })).default([]),
  }),
});
const outputsSchema = z.record(z.string(), z.string());
const previewSchema = z.object({ steps: z.array(z.object({ op: z.string(), urn: z.string() })) });

let folder: string;
let host: TestHost;
let env: NodeJS.ProcessEnv;

const pulumi = async (...args: string[]): Promise<string> => {
  const { stdout, stderr } = await run(path.join(folder, "tools", "pulumi"), [...args, "--non-interactive"], {
    cwd: path.join(folder, "program"),
    env,
  }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
  });
  expect(stdout + stderr).not.toContain("from $PATH");
  return stdout;
};

const settings = (text: string, trigger: string): Promise<void> => {
  const connection = { host: "127.0.0.1", port: host.port, user: "root", privateKey: host.privateKey };
  return writeFile(path.join(folder, "program/settings.json"), JSON.stringify({ connection, text, trigger }));
};

const up = (): Promise<string> => pulumi("up", "--yes", "--skip-preview");
const outputs = async (): Promise<Record<string, string>> =>
  outputsSchema.parse(JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets")));
const planned = async (): Promise<string[]> =>
  previewSchema
    .parse(JSON.parse(await pulumi("preview", "--json")))
    .steps.filter(({ op }) => op !== "same")
    .map(({ op, urn }) => `${op} ${urn.split("::").at(-1) ?? ""}`)
    .sort();

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "plugins-")));
  host = await startHost();
  const { tools } = await ensureToolchain();
  const dir = await installStandIns({
    dir: path.join(folder, "tools"),
    repoRoot,
    node: process.execPath,
    pulumiHome: path.join(folder, "home"),
    pulumiPath: tools.pulumi.path,
    officialHome: path.join(folder, "none"),
  });
  for (const name of ["program", "state"]) await mkdir(path.join(folder, name));
  await symlink(path.join(repoRoot, "node_modules"), path.join(folder, "program/node_modules"));
  await writeFile(path.join(folder, "program/index.js"), PROGRAM);
  await writeFile(
    path.join(folder, "program/package.json"),
    JSON.stringify({
      name: "probe",
      version: "1.0.0",
      main: "index.js",
      dependencies: { "@pulumi/random": "*" },
    }),
  );
  await writeFile(
    path.join(folder, "program/Pulumi.yaml"),
    "name: probe\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: --no-deprecation\n",
  );
  env = {
    ...process.env,
    PATH: `${dir}${path.delimiter}${process.env["PATH"] ?? ""}`,
    PULUMI_HOME: path.join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  };
  await settings("hello", "1");
  await pulumi("stack", "init", "dev");
});

afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a stack's life: preview, up, no change, update, replacement, refresh, destroy", async () => {
  expect(await planned()).toEqual([
    "create id",
    "create local",
    "create password",
    "create probe-dev",
    "create remote",
  ]);
  await up();
  const first = await outputs();
  expect(first["password"]).toHaveLength(20);
  expect(first["local"]).toBe(`hello ${first["id"] ?? ""}`);
  expect(first["remote"]).toBe(`hello:${first["password"] ?? ""}`);

  const exported = await pulumi("stack", "export");
  expect(stateSchema.parse(JSON.parse(exported)).deployment.resources).toHaveLength(7);
  expect(exported).not.toContain(first["password"]);
  expect(exported).not.toContain("PRIVATE KEY");

  await pulumi("preview", "--expect-no-changes");
  await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");

  await settings("changed", "1");
  expect(await planned()).toEqual(["update local", "update remote"]);
  await up();
  const second = await outputs();
  expect(second).toEqual({
    ...first,
    local: `changed, before: hello ${first["id"] ?? ""}`,
    remote: `changed:${first["password"] ?? ""}`,
  });

  await settings("changed", "2");
  expect(await planned()).toEqual(["replace id", "replace local"]);
  await up();
  const third = await outputs();
  expect(third["id"]).not.toBe(first["id"]);
  expect(third["local"]).toBe(`changed ${third["id"] ?? ""}`);
  expect(third["password"]).toBe(first["password"]);

  await pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");

  await pulumi("destroy", "--yes", "--skip-preview");
  expect(host.commands.at(-1)).toBe("echo goodbye");
  expect(stateSchema.parse(JSON.parse(await pulumi("stack", "export"))).deployment.resources).toEqual([]);
});

test("a mistake is reported with its property, an unknown resource with what to do", async () => {
  const program = path.join(folder, "program/index.js");
  await writeFile(
    program,
    `new (require("@pulumi/random").RandomString)("text", { length: 1, minLower: 2 });`,
  );
  await expect(up()).rejects.toThrow(
    "length: is less than the minimums together (got 1); expected at least 2. Raise length or lower minLower, minUpper, minNumeric or minSpecial.",
  );
  await writeFile(program, `new (require("@pulumi/random").RandomPet)("pet");`);
  await expect(up()).rejects.toThrow(
    "random:index/randomPet:RandomPet: is not in the sandbox's stand-in for the random provider",
  );
  await writeFile(program, `throw new (require("@pulumi/pulumi").RunError)("the program says no");`);
  await expect(up()).rejects.toThrow("error: the program says no");
});

test("a program that ends with an exit status fails the update", async () => {
  await writeFile(path.join(folder, "program/index.js"), "process.exit(5);");
  await expect(up()).rejects.toThrow("Program exited with non-zero exit code: 5");
});

test("a policy pack runs by the language host", async () => {
  const pack = path.join(folder, "pack");
  await mkdir(pack);
  await symlink(path.join(repoRoot, "node_modules"), path.join(pack, "node_modules"));
  await writeFile(path.join(pack, "PulumiPolicy.yaml"), "runtime: nodejs\nmain: index.js\nversion: 1.0.0\n");
  await writeFile(
    path.join(pack, "package.json"),
    JSON.stringify({ name: "pack", version: "1.0.0", main: "index.js" }),
  );
  await writeFile(
    path.join(pack, "index.js"),
    `const { PolicyPack } = require("@pulumi/policy");
     new PolicyPack("pack", { policies: [{ name: "no-ids", description: "none", enforcementLevel: "mandatory",
       validateResource: (args, report) => { if (args.type === "random:index/randomId:RandomId") report("no ids here"); } }] });`,
  );
  await writeFile(
    path.join(folder, "program/index.js"),
    `new (require("@pulumi/random").RandomId)("id", { byteLength: 1 });`,
  );
  await expect(pulumi("preview", "--policy-pack", pack)).rejects.toThrow("no ids here");
});

test("a dynamic provider runs", async () => {
  await writeFile(
    path.join(folder, "program/index.js"),
    `const { dynamic } = require("@pulumi/pulumi");
     class Thing extends dynamic.Resource { constructor(name) { super({ create: async () => ({ id: "7", outs: {} }) }, name, {}); } }
     exports.id = new Thing("thing").id;`,
  );
  await up();
  expect(await outputs()).toEqual({ id: "7" });
  await pulumi("destroy", "--yes", "--skip-preview");
});

test("about names the runtime and what the program depends on", async () => {
  const about = await pulumi("about", "--json");
  const { version } = z
    .object({ version: z.string() })
    .parse(
      JSON.parse(await readFile(path.join(repoRoot, "node_modules/@pulumi/random/package.json"), "utf8")),
    );
  expect(JSON.parse(about)).toMatchObject({
    runtime: { language: "nodejs", version: process.version.slice(1) },
    dependencies: [{ name: "@pulumi/random", version }],
  });
});
