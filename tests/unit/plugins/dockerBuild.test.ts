import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildCommand, imageSchema } from "../../../sandbox/plugins/dockerBuild/buildArgs";
import { contextHash, isIgnored, parseDockerignore } from "../../../sandbox/plugins/dockerBuild/contextHash";
import { dockerBuildResources, referenceOf } from "../../../sandbox/plugins/dockerBuild/resources";
import type { Resource } from "../../../sandbox/plugins/resource";

/** Notes how it is called, and answers as docker does. */
const FAKE_DOCKER = `#!/bin/sh
echo "$*" >>"$FAKE_LOG"
case "$1 $2" in
  "info --format") [ -z "$FAKE_NO_ENGINE" ] || exit 1 ;;
  "login "*) printf 'password %s\\n' "$(cat)" >>"$FAKE_LOG"; echo "config $DOCKER_CONFIG" >>"$FAKE_LOG" ;;
  "buildx build")
    [ -z "$FAKE_FAIL" ] || { echo "failed to solve" >&2; exit 1; }
    echo "stdin $(cat) secret $SOPHIA_BUILD_SECRET_0" >>"$FAKE_LOG"
    while [ "$1" != --metadata-file ]; do shift; done
    echo '{"containerimage.digest": "sha256:abc", "other": {}}' >"$2"
    echo "step 1" >&2 ;;
  "buildx imagetools") [ "$3" = create ] || echo sha256:def ;;
esac
`;

let folder: string;
const saved = { ...process.env };

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "docker-test-"));
  const bin = path.join(folder, "bin");
  await mkdir(bin);
  await writeFile(path.join(bin, "docker"), FAKE_DOCKER);
  await chmod(path.join(bin, "docker"), 0o755);
  process.env["PATH"] = `${bin}${path.delimiter}/usr/bin${path.delimiter}/bin`;
  process.env["FAKE_LOG"] = path.join(folder, "log");
});

afterEach(async () => {
  process.env = { ...saved };
  await rm(folder, { recursive: true, force: true });
});

const calls = async (): Promise<string[]> =>
  (await readFile(path.join(folder, "log"), "utf8")).trimEnd().split("\n");

function resource(type: string): Resource {
  const found = dockerBuildResources[`docker-build:index:${type}`];
  if (found === undefined) throw new Error(type);
  return found;
}

function context() {
  const lines: string[] = [];
  return { name: "it", signal: new AbortController().signal, log: (line: string) => lines.push(line), lines };
}

const args = (inputs: object): string[] =>
  [...buildCommand(imageSchema.parse({ push: false, ...inputs }), "M").args].slice(6);

test("every input becomes its option", () => {
  expect(
    args({
      push: true,
      load: true,
      noCache: true,
      pull: true,
      addHosts: ["a:1.2.3.4"],
      buildArgs: { A: "1", B: "two words" },
      builder: { name: "big" },
      context: { location: "src", named: { docs: { location: "../docs" } } },
      dockerfile: { location: "src/Dockerfile.gpu" },
      labels: { l: "v" },
      network: "host",
      platforms: ["linux/amd64", "linux/arm64"],
      secrets: { token: "t" },
      ssh: [{ id: "default" }, { id: "key", paths: ["a", "b"] }],
      tags: ["r/x:1", "r/x:2"],
      target: "final",
    }),
  ).toEqual([
    ...["--builder", "big", "--file", "src/Dockerfile.gpu", "--tag", "r/x:1", "--tag", "r/x:2"],
    ...["--platform", "linux/amd64,linux/arm64", "--build-arg", "A=1", "--build-arg", "B=two words"],
    ...["--label", "l=v", "--target", "final", "--network", "host", "--add-host", "a:1.2.3.4"],
    ...["--build-context", "docs=../docs", "--secret", "id=token,env=SOPHIA_BUILD_SECRET_0"],
    ...["--ssh", "default", "--ssh", "key=a,b", "--push", "--load", "--no-cache", "--pull", "src"],
  ]);
});

test("caches and exports are written in buildx's words, quoted where needed", () => {
  expect(
    args({
      cacheFrom: [{ registry: { ref: "r/x:cache" } }, { disabled: true, gha: {} }, { gha: {} }],
      cacheTo: [{ registry: { ref: "r/x:cache", mode: "max", imageManifest: true } }, { inline: {} }],
      exports: [
        { image: { names: ["r/x:1", "r/x:2"], ociMediaTypes: true, annotations: { who: "us" } } },
        { raw: "type=local,dest=out" },
      ],
    }),
  ).toEqual([
    ...["--file", "Dockerfile", "--cache-from", "type=registry,ref=r/x:cache", "--cache-from", "type=gha"],
    ...[
      "--cache-to",
      "type=registry,ref=r/x:cache,mode=max,image-manifest=true",
      "--cache-to",
      "type=inline",
    ],
    ...["--output", 'type=image,"name=r/x:1,r/x:2",oci-mediatypes=true,annotation.who=us'],
    ...["--output", "type=local,dest=out", "."],
  ]);
});

test("an inline Dockerfile goes to standard input, a remote context keeps its own", () => {
  const inline = imageSchema.parse({ push: false, dockerfile: { inline: "FROM scratch" } });
  expect(buildCommand(inline, "M")).toMatchObject({ stdin: "FROM scratch" });
  expect(args({ dockerfile: { inline: "FROM scratch" } })).toEqual(["--file", "-", "."]);
  expect(args({ context: { location: "https://git.example/x.git" } })).toEqual(["https://git.example/x.git"]);
});

test("caches whose keys would be on the command line are refused", () => {
  const { error } = imageSchema.safeParse({ push: false, cacheFrom: [{ s3: { bucket: "b" } }] });
  expect(error?.issues).toMatchObject([{ path: ["cacheFrom", 0], message: 'Unrecognized key: "s3"' }]);
});

test("an image is built, with passwords and secrets off the command line, and its digest recorded", async () => {
  const log = context();
  const inputs = {
    push: true,
    tags: ["r/x:1"],
    dockerfile: { inline: "FROM scratch" },
    context: { location: path.join(folder, "bin") },
    secrets: { token: "hidden" },
    registries: [{ address: "r", username: "u", password: "pass" }],
  };
  const { id, outputs } = await resource("Image").create(inputs, log);
  expect({ id, ...outputs }).toMatchObject({
    id: "sha256:abc",
    digest: "sha256:abc",
    ref: "r/x:1@sha256:abc",
  });
  expect(log.lines).toEqual(["step 1"]);
  const [info, login, password, config = "", build, stdin] = await calls();
  expect([info, login, password]).toEqual([
    "info --format {{.ServerVersion}}",
    "login r --username u --password-stdin",
    "password pass",
  ]);
  expect(build).toMatch(
    /^buildx build --progress plain --metadata-file \S+ --file - --tag r\/x:1 --secret id=token,env=SOPHIA_BUILD_SECRET_0 --push /,
  );
  expect(stdin).toBe("stdin FROM scratch secret hidden");
  await expect(readFile(path.join(config.split(" ")[1] ?? "", "config.json"))).rejects.toThrow("ENOENT");
});

test("a build that fails says why; without an engine it says what to do", async () => {
  const inputs = { push: false, context: { location: path.join(folder, "bin") } };
  process.env["FAKE_FAIL"] = "1";
  await expect(resource("Image").create(inputs, context())).rejects.toThrow(
    "docker buildx build: exit status 1:\nfailed to solve\n",
  );
  const noEngine =
    "docker: no container engine answers on this machine; expected `docker buildx version` and `docker info` to work. Start Docker, or use a published image by digest instead of building one.";
  process.env["FAKE_NO_ENGINE"] = "1";
  await expect(resource("Image").create(inputs, context())).rejects.toThrow(noEngine);
  process.env["PATH"] = path.join(folder, "empty");
  await expect(resource("Image").create(inputs, context())).rejects.toThrow(noEngine);
});

test("an index combines images under one tag", async () => {
  const inputs = { tag: "r/x:1", sources: ["r/x@sha256:1", "r/x@sha256:2"] };
  expect(await resource("Index").create(inputs, context())).toEqual({
    id: "r/x:1",
    outputs: { ref: "r/x:1@sha256:def" },
  });
  expect((await calls()).slice(1)).toEqual([
    "buildx imagetools create --tag r/x:1 r/x@sha256:1 r/x@sha256:2",
    "buildx imagetools inspect r/x:1 --format {{.Manifest.Digest}}",
  ]);
});

test("the reference names the tag and, once pushed, the digest", () => {
  expect(referenceOf(["a:1", "a:2"], true, "sha256:x")).toBe("a:1@sha256:x");
  expect(referenceOf(["a:1"], false, "sha256:x")).toBe("a:1");
  expect(referenceOf(undefined, true, "sha256:x")).toBe("sha256:x");
});

describe("the context's hash", () => {
  const source = (): string => path.join(folder, "src");
  const inputs = () => imageSchema.parse({ push: false, context: { location: source() } });
  const write = (name: string, text: string): Promise<void> => writeFile(path.join(source(), name), text);

  beforeEach(async () => {
    await mkdir(path.join(source(), "node_modules"), { recursive: true });
    await write("Dockerfile", "FROM scratch");
    await write(".dockerignore", "node_modules\n*.md\n!README.md\n");
    await write("app.py", "1");
  });

  test("changes with a file, a mode, the Dockerfile or a hidden file, and with nothing that is ignored", async () => {
    const seen = [await contextHash(inputs())];
    await write("node_modules/x", "1");
    await write("notes.md", "1");
    expect(await contextHash(inputs())).toBe(seen[0]);
    for (const [name, text] of [
      ["app.py", "2"],
      ["Dockerfile", "FROM other"],
      [".env", "A=1"],
      ["README.md", "1"],
    ] as const) {
      await write(name, text);
      seen.push(await contextHash(inputs()));
    }
    await chmod(path.join(source(), "app.py"), 0o755);
    seen.push(await contextHash(inputs()));
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("is what makes an unchanged Image build again", async () => {
    const before = await contextHash(inputs());
    const { drift } = resource("Image");
    expect(await drift(inputs(), { contextHash: before })).toEqual([]);
    await write("app.py", "2");
    expect(await drift(inputs(), { contextHash: before })).toEqual(["contextHash"]);
  });

  test("the last rule of .dockerignore that matches decides", () => {
    const rules = parseDockerignore("# comment\n/build/\n**/*.log\n!keep/important.log\n\n");
    expect(
      ["build/a/b", "a.log", "x/y.log", "keep/important.log", "src/a"].map((f) => isIgnored(f, rules)),
    ).toEqual([true, true, true, false, false]);
  });
});
