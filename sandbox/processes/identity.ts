/** Which process an id means: ids are reused, so an id alone never is reason enough to end a process. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";

const recordSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  command: z.string(),
});

/** A process as it was when it was started. */
export type ProcessRecord = Readonly<z.infer<typeof recordSchema>>;

/**
 * The moment a process started, in clock ticks since the machine booted, or undefined if there is no such
 * process (a zombie counts as none).
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (fields 3 and 22)
 */
export function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The program that process runs now, as its `argv[0]`; undefined if there is none. */
function readCommand(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0];
  } catch {
    return undefined;
  }
}

/** Whether the recorded process still runs and is the same one: id, start time and command all match. */
export function isStillRunning({ pid, startTime, command }: ProcessRecord): boolean {
  return readStartTime(pid) === startTime && readCommand(pid) === command;
}

/** Writes the record of a process just started; it is gone already if this returns undefined. */
export function writeRecord(file: string, pid: number): ProcessRecord | undefined {
  const startTime = readStartTime(pid);
  const command = readCommand(pid);
  if (startTime === undefined || command === undefined) return undefined;
  const record = { pid, startTime, command };
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 });
  return record;
}

/** Reads a record; one that a crash cut short counts as none and is removed. */
export function readRecord(file: string): ProcessRecord | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    rmSync(file, { force: true });
    return undefined;
  }
}
