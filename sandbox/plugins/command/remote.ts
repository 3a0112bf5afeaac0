import { randomBytes } from "node:crypto";
import type { Client } from "ssh2";
import { z } from "zod";
import { formatProblem } from "../../../components/problems";
import type { Properties } from "../propertyValues";
import { defineResource, type OperationContext } from "../resource";
import { commandInputs, type CommandOutput, OutputCollector, previousOutputs } from "./execution";
import { connectionSchema, dial, execute } from "./ssh";

const schema = z.object({ ...commandInputs, connection: connectionSchema });

type RemoteInputs = z.output<typeof schema>;

/**
 * An SSH server ignores variables that it isn't configured to accept, and the client library can't tell. Upstream
 * fails then; so that a program which works here works there too, the shell is asked whether they arrived.
 */
async function requireEnvironment(
  client: Client,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const names = Object.keys(env);
  if (names.length === 0) return;
  const silent = new OutputCollector("none", () => undefined);
  const command = `printenv ${names.join(" ")} >/dev/null`;
  if ((await execute(client, { command, env }, silent, signal)) === undefined) return;
  throw new Error(
    formatProblem({
      path: "environment",
      what: "the SSH server doesn't accept all of the variables",
      got: names,
      fix: "Name them in AcceptEnv of its sshd_config, or put 'NAME=value' before the command, or use stdin",
    }),
  );
}

/** Runs one command on the host of the connection. */
export async function runRemote(
  command: string,
  inputs: RemoteInputs,
  previous: Properties,
  context: OperationContext,
): Promise<CommandOutput> {
  const client = await dial(inputs.connection, context);
  try {
    const environment = inputs.environment ?? {};
    await requireEnvironment(client, environment, context.signal);
    const collector = new OutputCollector(inputs.logging, context.log);
    // Previous outputs are an offer: upstream, too, goes on when the server doesn't accept them.
    const env = {
      ...(inputs.addPreviousOutputInEnv !== false ? previousOutputs(previous) : {}),
      ...environment,
    };
    const reason = await execute(client, { command, env, stdin: inputs.stdin }, collector, context.signal);
    if (reason !== undefined) throw collector.failure(reason, command);
    return collector.finish();
  } finally {
    client.end();
  }
}

/** `command:remote:Command` over the SSH protocol; keys stay in memory. Upstream's `connection.proxy` is refused. */
export const remoteCommand = defineResource({
  schema,
  outputs: ["stdout", "stderr"],
  // The connection is always secret and tells nothing about what a command prints.
  taintingInputs: ["create", "update", "stdin", "environment"],
  replaceOnChanges: ["triggers"],
  create: async (inputs, context) => ({
    id: `${context.name}${randomBytes(4).toString("hex")}`,
    outputs: inputs.create === undefined ? {} : await runRemote(inputs.create, inputs, {}, context),
  }),
  update: async (inputs, previous, context) => {
    const command = inputs.update ?? inputs.create;
    if (command !== undefined) return runRemote(command, inputs, previous, context);
    return { stdout: previous["stdout"], stderr: previous["stderr"] };
  },
  delete: async (inputs, previous, context) => {
    if (inputs.delete !== undefined) await runRemote(inputs.delete, inputs, previous, context);
  },
});
