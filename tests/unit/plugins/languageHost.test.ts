import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ProgramInfo, RunPluginRequest, RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { pluginCommand, programCommand } from "../../../sandbox/plugins/languageHost/commands";

let folder: string;
let run: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "language-host-")));
  run = path.join(folder, "node_modules/@pulumi/pulumi/cmd");
  for (const name of ["run", "run-plugin", "run-policy-pack"]) {
    await mkdir(path.join(run, name), { recursive: true });
    await writeFile(path.join(run, name, "index.js"), "");
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const info = (options: Record<string, string | boolean>): ProgramInfo =>
  new ProgramInfo()
    .setRootDirectory("/root-directory")
    .setProgramDirectory(folder)
    .setEntryPoint(".")
    .setOptions(Struct.fromJavaScript(options));

test("a program is run by its own SDK, with what the engine said", () => {
  const request = new RunRequest()
    .setInfo(info({ typescript: false, nodeargs: "--import tsx" }))
    .setMonitorAddress("127.0.0.1:1")
    .setOrganization("org")
    .setProject("project")
    .setStack("dev")
    .setPwd(folder)
    .setParallel(8)
    .setDryrun(true)
    .setArgsList(["extra"])
    .setConfigsecretkeysList(["project:key"]);
  request.getConfigMap().set("project:key", "value");
  const { args, cwd, env } = programCommand(request, "127.0.0.1:2");
  expect(args).toEqual([
    ...["--import", "tsx", path.join(run, "run/index.js"), "--monitor=127.0.0.1:1", "--engine=127.0.0.1:2"],
    ...["--organization=org", "--project=project", "--root-directory=/root-directory", "--stack=dev"],
    ...[`--pwd=${folder}`, "--parallel=8", "--dry-run", ".", "extra"],
  ]);
  expect(cwd).toBe(folder);
  expect(env).toMatchObject({
    PATH: process.env["PATH"],
    PULUMI_NODEJS_TYPESCRIPT: "false",
    PULUMI_CONFIG: '{"project:key":"value"}',
    PULUMI_CONFIG_SECRET_KEYS: '["project:key"]',
  });
});

test("TypeScript is on unless the project says otherwise", () => {
  const request = new RunRequest().setInfo(info({ tsconfig: "tsconfig.pulumi.json" }));
  const { env } = programCommand(request, "");
  expect(env).toMatchObject({
    PULUMI_NODEJS_TYPESCRIPT: "true",
    PULUMI_NODEJS_TSCONFIG_PATH: "tsconfig.pulumi.json",
  });
});

test("a policy pack runs in its own folder, which follows the engine's address", () => {
  const request = new RunPluginRequest().setInfo(info({})).setKind("analyzer").setPwd("/elsewhere");
  request.setArgsList(["127.0.0.1:2"]).setEnvList(["A=b=c"]);
  const { args, cwd, env } = pluginCommand(request);
  expect(args).toEqual([path.join(run, "run-policy-pack/index.js"), "127.0.0.1:2", folder]);
  expect(cwd).toBe(folder);
  expect(env["A"]).toBe("b=c");
});

test("a provider runs where the engine says, its folder first", () => {
  const request = new RunPluginRequest().setInfo(info({})).setKind("resource").setPwd("/elsewhere");
  const { args, cwd } = pluginCommand(request.setArgsList(["127.0.0.1:2"]));
  expect(args).toEqual([path.join(run, "run-plugin/index.js"), folder, "127.0.0.1:2"]);
  expect(cwd).toBe("/elsewhere");
});

test("a program without the SDK is told how to get it", async () => {
  await rm(path.join(folder, "node_modules"), { recursive: true });
  expect(() => programCommand(new RunRequest().setInfo(info({})), "")).toThrow(
    `${folder}: the Pulumi SDK is not installed. Run "npm install" in ${folder}.`,
  );
});
