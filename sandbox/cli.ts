import { formatProblem, ProblemReport } from "../components/problems";
import { CommandFailed, down, setup, shell, status, up } from "./commands";
import { runLambdaCli } from "./lambdaCloud/cli";
import { sandboxDir } from "./paths";
import { sandboxSettings } from "./settings";

/** The sandbox's commands by name; the Makefile calls them. */
const commands: Readonly<Record<string, (dir: string, args: readonly string[]) => Promise<number>>> = {
  setup: () => setup().then(() => 0),
  up: (dir) => up(dir).then(() => 0),
  down: (dir, args) => down(dir, args).then(() => 0),
  status: (dir) => status(dir).then(() => 0),
  shell,
  lambda: async (dir, args) => {
    const { ports, adminToken } = await sandboxSettings(dir);
    return runLambdaCli([...args], { url: `http://127.0.0.1:${ports.lambda}`, token: adminToken });
  },
};

async function main([name = "", ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
  if (command === undefined) {
    console.error(
      formatProblem({
        path: "command",
        what: "is not known",
        got: name,
        expected: Object.keys(commands).join(", "),
      }),
    );
    return 2;
  }
  return command(sandboxDir(), args);
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const expected = error instanceof ProblemReport || error instanceof CommandFailed;
    console.error(
      error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : error,
    );
    process.exitCode = 1;
  },
);
