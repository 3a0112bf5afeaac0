/** `make lambda ARGS="…"`: look at the simulated Lambda Cloud from the command line, and break things. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { formatProblem } from "../../components/problems";
import { instanceActions } from "./admin";
import { faultKinds } from "./faults";

/** Where the simulator is. */
export interface SimulatorConnection {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The admin token. */
  readonly token: string;
}

const HELP = `Commands:
  instances                          list them with status, age and cost
  terminate <id or name>             terminate one behind the program's back
  preempt <id or name>               take one away, and say so
  kill <id or name>                  make one vanish without a word
  stick | release <id or name>       keep one booting for ever, or let it go on
  capacity <type> <region> <count>   set how many there are, launched ones included
  account active | inactive          switch the account
  faults                             list the faults
  fault add <route> <fault>          make calls of a route go wrong, such as:
                                     fault add "POST /instance-operations/launch" commit-drop --nth 2
                                     faults: ${faultKinds.join(", ")}
  fault clear                        remove all faults
  audit                              launches, changes of status, terminations with what they cost
Options of fault add:
  --nth N                            the first call that is hit (default 1)
  --every N                          from then on, each so-many-th call (default 1)
  --times N                          how many calls are hit (default 1)
  --seconds N                        how long it lasts, or when it strikes after a launch, virtual (default 60)
Option of every command:
  --json                             print JSON`;

const OPTIONS = {
  json: { type: "boolean" },
  nth: { type: "string" },
  every: { type: "string" },
  times: { type: "string" },
  seconds: { type: "string" },
} as const;

const errorSchema = z.object({ error: z.string() });
const stateSchema = z.looseObject({ instances: z.array(z.unknown()) });

/** Something that the user can mend. */
class Mistake extends Error {
  constructor(
    message: string,
    /** 2: the command line is wrong. 1: the simulator refuses, or isn't there. */
    readonly exitCode: 1 | 2,
  ) {
    super(message);
  }
}

function mistake(path: string, what: string, expected: string, got?: string): Mistake {
  const fix = "See all commands with: help";
  return new Mistake(formatProblem({ path, what, expected, fix, ...(got === undefined ? {} : { got }) }), 2);
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch {
    const expected = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw mistake(
      "command line",
      "has an option that is not known or lacks its value",
      expected.join(", "),
      argv.join(" "),
    );
  }
}

/** One request to the simulator. @throws Mistake with its refusal */
type Call = (method: string, path: string, body?: object) => Promise<unknown>;

function callerOf({ url, token }: SimulatorConnection): Call {
  return async (method, path, body) => {
    const response = await fetch(`${url}/admin/${path}`, {
      method,
      headers: { "x-admin-token": token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Mistake(
        formatProblem({ path: "sandbox", what: "does not answer", fix: "Start it with: make up" }),
        1,
      );
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Mistake(errorSchema.parse(answer).error, 1);
    return answer;
  };
}

function wholeNumber(path: string, text: string | undefined): number {
  if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  throw mistake(path, text === undefined ? "is missing" : "is malformed", "a whole number", text);
}

/** The options that were given, as numbers; what they may be is the simulator's to say. */
function numbers(values: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const given = names.flatMap((name) => {
    const value = values[name];
    return typeof value === "string" ? [[name, wholeNumber(`--${name}`, value)]] : [];
  });
  return Object.fromEntries(given) as object;
}

function addFault(
  call: Call,
  args: readonly string[],
  values: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  // A route is one argument, or two when the shell or make has taken the quotes away.
  const kind = args.at(-1);
  const route = args.slice(0, -1).join(" ");
  if (kind === undefined || route === "") throw mistake("fault add", "lacks arguments", "<route> <fault>");
  if (!faultKinds.includes(kind)) throw mistake("fault", "is not known", faultKinds.join(", "), kind);
  const fault = { kind, ...numbers(values, ["seconds"]) };
  return call("POST", "faults", { route, ...numbers(values, ["nth", "every", "times"]), fault });
}

async function run(
  call: Call,
  argv: readonly string[],
  values: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const [name = "", ...args] = argv;
  const [first, second, third] = args;
  const action = instanceActions.find((known) => known === name);
  if (action !== undefined) {
    if (first === undefined) throw mistake(action, "lacks an argument", "an instance's id or name");
    return call("POST", "instances", { id: first, action });
  }
  switch (name) {
    case "instances":
      return stateSchema.parse(await call("GET", "state")).instances;
    case "capacity":
      return call("PUT", "capacity", { type: first, region: second, count: wholeNumber("count", third) });
    case "account":
      if (first === "active" || first === "inactive")
        return call("PUT", "account", { active: first === "active" });
      throw mistake("account", "is neither", "active, inactive", first);
    case "faults":
      return call("GET", "faults");
    case "fault":
      if (first === "add") return addFault(call, args.slice(1), values);
      if (first === "clear") return call("DELETE", "faults");
      throw mistake("fault", "is no command by itself", "fault add, fault clear", first);
    case "audit":
      return call("GET", "audit");
    default:
      throw mistake("command", "is not known", "one of the commands", name);
  }
}

/** Rows of one width under a line of headings; objects inside are shown as JSON. */
function table(rows: readonly Record<string, unknown>[]): string {
  const text = (value: unknown = ""): string => (typeof value === "string" ? value : JSON.stringify(value));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => text(row[column])))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function print(answer: unknown, json: boolean): void {
  const rows = z.array(z.record(z.string(), z.unknown())).parse(Array.isArray(answer) ? answer : [answer]);
  if (json) console.log(JSON.stringify(answer, null, 2));
  else if (rows.length === 0) console.log("none");
  else console.log(rows.every((row) => Object.keys(row).length === 0) ? "done" : table(rows));
}

/** Runs one command and prints its answer; mistakes go to stderr. @returns The exit code */
export async function runLambdaCli(
  argv: readonly string[],
  connection: SimulatorConnection,
): Promise<number> {
  try {
    const { values, positionals } = parse(argv);
    if (positionals.length === 0 || positionals[0] === "help") {
      console.log(HELP);
      return 0;
    }
    print(await run(callerOf(connection), positionals, values), values.json === true);
    return 0;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    console.error(error.message);
    return error.exitCode;
  }
}
