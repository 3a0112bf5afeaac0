import { z } from "zod";
import type { OperationContext } from "../resource";
import type { Properties } from "../propertyValues";

/** Inputs that local and remote commands share. https://www.pulumi.com/registry/packages/command/ */
export const commandInputs = {
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  stdin: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
};

/** Which streams are shown while a command runs. */
export type Logging = z.output<(typeof commandInputs)["logging"]>;

/** What a command left behind: its outputs without the last line break, as upstream. */
export interface CommandOutput extends Properties {
  readonly stdout: string;
  readonly stderr: string;
}

/** The outputs of a previous run, as environment variables of the next. */
export function previousOutputs(previous: Properties): Readonly<Record<string, string>> {
  const entries = [
    ["PULUMI_COMMAND_STDOUT", previous["stdout"]],
    ["PULUMI_COMMAND_STDERR", previous["stderr"]],
  ].filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "");
  return Object.fromEntries(entries);
}

/** Collects a command's two streams and shows their lines as they come. */
export class OutputCollector {
  #stdout = "";
  #stderr = "";
  #both = "";
  #unfinished = { stdout: "", stderr: "" };

  constructor(
    private readonly logging: NonNullable<Logging> = "stdoutAndStderr",
    private readonly log: OperationContext["log"],
  ) {}

  /** Takes the next piece of a stream, decoded already. */
  readonly add = (stream: "stdout" | "stderr", text: string): void => {
    if (stream === "stdout") this.#stdout += text;
    else this.#stderr += text;
    this.#both += text;
    const lines = (this.#unfinished[stream] + text).split("\n");
    this.#unfinished[stream] = lines.pop() ?? "";
    for (const line of lines) this.#show(stream, line);
  };

  /** Ends both streams. */
  finish(): CommandOutput {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#unfinished[stream] !== "") this.#show(stream, this.#unfinished[stream]);
    }
    const trim = (text: string): string => text.replace(/\n$/, "");
    return { stdout: trim(this.#stdout), stderr: trim(this.#stderr) };
  }

  /** Upstream's message for a command that failed, with all that it printed. */
  failure(reason: string, command: string): Error {
    this.finish();
    return new Error(`${reason}: running ${JSON.stringify(command)}:\n${this.#both}`);
  }

  #show(stream: "stdout" | "stderr", line: string): void {
    if (this.logging === "stdoutAndStderr" || this.logging === stream) this.log(line);
  }
}
