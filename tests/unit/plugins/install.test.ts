import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  installProviderBinary,
  installStandIns,
  type StandInOptions,
} from "../../../sandbox/plugins/install";

let root: string;
let options: StandInOptions;

async function put(file: string, text = ""): Promise<string> {
  const full = path.join(root, file);
  await mkdir(path.dirname(full), { recursive: true });
  await writeFile(full, text);
  await chmod(full, 0o755);
  return full;
}

/** All files below a folder, without folders. */
const files = async (folder: string): Promise<string[]> =>
  (await readdir(path.join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(path.join(root, folder), path.join(entry.parentPath, entry.name)))
    .sort();

beforeEach(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), "install-")));
  for (const [name, version] of [
    ["random", "4.0.1"],
    ["command", "1.0.2"],
    ["docker-build", "0.0.3"],
  ] as const) {
    await put(`repo's/node_modules/@pulumi/${name}/package.json`, JSON.stringify({ version }));
  }
  for (const name of ["random", "command", "dockerBuild", "languageHost"]) {
    await put(`repo's/bin/sandbox/plugins/${name}/main.js`);
  }
  await put("repo's/node_modules/@pulumi/pulumi/cmd/dynamic-provider/index.js");
  options = {
    dir: path.join(root, "tools"),
    repoRoot: path.join(root, "repo's"),
    node: await put("node/bin/node"),
    pulumiHome: path.join(root, "home"),
    pulumiPath: await put("toolchain/pulumi", "cli"),
    officialHome: path.join(root, "official"),
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

const PLUGINS = [
  "resource-command-v1.0.2/pulumi-resource-command",
  "resource-docker-build-v0.0.3/pulumi-resource-docker-build",
  "resource-random-v4.0.1/pulumi-resource-random",
];

test("stand-ins lie beside the CLI and in the sandbox's own plugin folder, by the npm packages' versions", async () => {
  expect(await installStandIns(options)).toBe(path.join(root, "tools"));
  expect(await files("tools")).toEqual([
    "node",
    "pulumi",
    "pulumi-language-nodejs",
    "pulumi-resource-pulumi-nodejs",
  ]);
  expect(await files("home/plugins")).toEqual(PLUGINS);
  const launcher = path.join(root, "home/plugins", PLUGINS[2] ?? "");
  expect(await readFile(launcher, "utf8")).toBe(
    `#!/bin/sh\nexec '${root}/node/bin/node' '${root}/repo'\\''s/bin/sandbox/plugins/random/main.js' "$@"\n`,
  );
  expect((await stat(launcher)).mode & 0o777).toBe(0o755);
  // One file with two names: the CLI finds what lies beside the name it was started by.
  expect((await stat(path.join(root, "tools/pulumi"))).ino).toBe(
    (await stat(path.join(root, "toolchain/pulumi"))).ino,
  );
});

test("a second time changes nothing; a new CLI takes the old one's place", async () => {
  await installStandIns(options);
  const launcher = path.join(root, "tools/pulumi-language-nodejs");
  const before = await stat(launcher);
  await installStandIns(options);
  expect((await stat(launcher)).ino).toBe(before.ino);
  await installStandIns({ ...options, pulumiPath: await put("newer/pulumi", "newer cli") });
  expect(await readFile(path.join(root, "tools/pulumi"), "utf8")).toBe("newer cli");
});

test("official plugins are used where they are", async () => {
  await installStandIns(options);
  await put("official/plugins/resource-random-v4.0.1/pulumi-resource-random");
  await put("toolchain/pulumi-language-nodejs");
  await put("toolchain/pulumi-resource-pulumi-nodejs");
  await installStandIns(options);
  expect(await files("tools")).toEqual(["node", "pulumi"]);
  expect(await readlink(path.join(root, "tools/pulumi"))).toBe(path.join(root, "toolchain/pulumi"));
  expect(await readlink(path.join(root, "home/plugins", PLUGINS[2] ?? ""))).toBe(
    path.join(root, "official/plugins/resource-random-v4.0.1/pulumi-resource-random"),
  );
  expect(await files("home/plugins")).toEqual(PLUGINS);
});

test("a stand-in comes back when the official plugin goes", async () => {
  await put("official/plugins/resource-random-v4.0.1/pulumi-resource-random");
  await installStandIns(options);
  await rm(path.join(root, "official"), { recursive: true });
  await installStandIns(options);
  expect(await readFile(path.join(root, "home/plugins", PLUGINS[2] ?? ""), "utf8")).toContain(
    "random/main.js",
  );
});

test("a checkout that isn't compiled is refused", async () => {
  await rm(path.join(root, "repo's/bin/sandbox/plugins/command/main.js"));
  await expect(installStandIns(options)).rejects.toThrow(
    `${root}/repo's/bin/sandbox/plugins/command/main.js: has not been compiled. Run "npm install" and "npm run build".`,
  );
});

test("a provider binary is found by its package's version", async () => {
  const binary = await put("cache/pulumi-resource-kubernetes");
  await installProviderBinary({
    pulumiHome: options.pulumiHome,
    name: "kubernetes",
    version: "4.34.2",
    path: binary,
  });
  expect(
    await readlink(path.join(root, "home/plugins/resource-kubernetes-v4.34.2/pulumi-resource-kubernetes")),
  ).toBe(binary);
});
