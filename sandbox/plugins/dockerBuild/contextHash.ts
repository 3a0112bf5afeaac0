import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { dockerfileOf, type ImageInputs, isRemote } from "./buildArgs";

interface IgnoreRule {
  readonly pattern: string;
  readonly exception: boolean;
}

/** The rules of a .dockerignore. https://docs.docker.com/build/concepts/context/#dockerignore-files */
export function parseDockerignore(text: string): IgnoreRule[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const exception = line.startsWith("!");
      return {
        exception,
        pattern: path.posix.normalize(line.slice(exception ? 1 : 0)).replace(/^\/|\/$/g, ""),
      };
    });
}

/** Whether the rules leave a file out of the build; the last rule that matches decides. */
export function isIgnored(file: string, rules: readonly IgnoreRule[]): boolean {
  const matches = ({ pattern }: IgnoreRule): boolean =>
    path.posix.matchesGlob(file, pattern) || path.posix.matchesGlob(file, `${pattern}/**`);
  const last = rules.findLast(matches);
  return last !== undefined && !last.exception;
}

const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");

/** Adds every file of a folder to the hash: its name, whether it is executable, and its content. */
async function hashFolder(folder: string, add: (part: string | Buffer) => void): Promise<void> {
  const rules = parseDockerignore(await read(path.join(folder, ".dockerignore")));
  for (const file of (await readdir(folder, { recursive: true })).sort()) {
    if (file.split(path.sep).includes(".git")) continue;
    const full = path.join(folder, file);
    const info = await lstat(full);
    if (info.isDirectory() || isIgnored(file.split(path.sep).join("/"), rules)) continue;
    add(`${file}\0${info.mode & 0o111}\0`);
    add(info.isSymbolicLink() ? await readlink(full) : await readFile(full));
  }
}

/**
 * A hash over all that a build reads from this machine: the Dockerfile and the contexts. It changes when a build
 * could give another image; a context that buildx fetches counts by its address.
 */
export async function contextHash(inputs: ImageInputs): Promise<string> {
  const hash = createHash("sha256");
  const add = (part: string | Buffer): void => {
    hash.update(part).update("\0");
  };
  const main = inputs.context?.location ?? ".";
  add(inputs.dockerfile?.inline ?? (isRemote(main) ? "" : await read(dockerfileOf(inputs))));
  const named = Object.entries(inputs.context?.named ?? {}).map(
    ([name, { location }]) => [name, location] as const,
  );
  for (const [name, location] of [["", main] as const, ...named]) {
    add(name);
    if (isRemote(location)) add(location);
    else await hashFolder(location, add);
  }
  return hash.digest("hex");
}
