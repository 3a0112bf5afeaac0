import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Properties } from "../propertyValues";
import { defineResource, type OperationContext } from "../resource";
import { commandInputs, type CommandOutput, OutputCollector, previousOutputs } from "./execution";

const schema = z.object({
  ...commandInputs,
  dir: z.string().optional(),
  interpreter: z.array(z.string()).optional(),
});

type LocalInputs = z.output<typeof schema>;

const SHELL = ["/bin/sh", "-c"];

/** Runs one command on this machine, in upstream's way: the interpreter's arguments, then the command. */
export async function runLocal(
  command: string,
  inputs: LocalInputs,
  previous: Properties,
  { signal, log }: OperationContext,
): Promise<CommandOutput> {
  const [program = "", ...args] = inputs.interpreter?.length ? inputs.interpreter : SHELL;
  const collector = new OutputCollector(inputs.logging, log);
  const child = spawn(program, [...args, command], {
    cwd: inputs.dir,
    env: {
      ...process.env,
      ...inputs.environment,
      ...(inputs.addPreviousOutputInEnv !== false ? previousOutputs(previous) : {}),
    },
    signal,
  });
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      collector.add(stream, text);
    });
  }
  // A command may end without having read its input.
  child.stdin.on("error", () => undefined).end(inputs.stdin);
  const reason = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => {
      resolve(error.message);
    });
    child.on("close", (code, endedBy) => {
      if (code === 0) resolve(undefined);
      else resolve(endedBy === null ? `exit status ${code ?? "unknown"}` : `signal: ${endedBy}`);
    });
  });
  if (reason !== undefined) throw collector.failure(reason, command);
  return collector.finish();
}

/** `command:local:Command`. Upstream's `assetPaths` and `archivePaths` are refused. */
export const localCommand = defineResource({
  schema,
  outputs: ["stdout", "stderr"],
  taintingInputs: ["create", "update", "stdin", "environment", "dir", "interpreter"],
  replaceOnChanges: ["triggers"],
  create: async (inputs, context) => ({
    id: `${context.name}${randomBytes(4).toString("hex")}`,
    outputs: inputs.create === undefined ? {} : await runLocal(inputs.create, inputs, {}, context),
  }),
  update: async (inputs, previous, context) => {
    const command = inputs.update ?? inputs.create;
    if (command !== undefined) return runLocal(command, inputs, previous, context);
    return { stdout: previous["stdout"], stderr: previous["stderr"] };
  },
  delete: async (inputs, previous, context) => {
    if (inputs.delete !== undefined) await runLocal(inputs.delete, inputs, previous, context);
  },
});
