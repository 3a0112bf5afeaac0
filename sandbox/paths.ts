import { existsSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

function findRoot(from: string): string {
  if (existsSync(path.join(from, "Pulumi.yaml"))) return from;
  const parent = path.dirname(from);
  if (parent === from)
    throw new Error("Pulumi.yaml: not found above the compiled program. Run this from a checkout.");
  return findRoot(parent);
}

/** The checkout, whether this runs from the sources or from bin/. */
export const repoRoot = findRoot(__dirname);

/** Where what is built once is kept, outside the checkout: SOPHIA_CACHE_DIR, else the user's cache folder. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.SOPHIA_CACHE_DIR ?? path.join(env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "sophia-ai");
}

/** The sandbox's own state: SOPHIA_SANDBOX_DIR, else `.sandbox` in the checkout. `make down` removes it. */
export function sandboxDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.SOPHIA_SANDBOX_DIR ?? path.join(repoRoot, ".sandbox");
}
