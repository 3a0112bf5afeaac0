import { accessSync, constants, renameSync, statSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";

/** Writes a file that only its owner reads; readers see the old content or the new, never half of it. */
export function writePrivate(file: string, content: string): void {
  const partial = `${file}.${randomUUID()}`;
  writeFileSync(partial, content, { mode: 0o600 });
  renameSync(partial, file);
}

/** Whether this is a file that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
