/** `make lambda ARGS="…"`: look at the simulated Lambda Cloud from the command line, and break things. */
import { z } from "zod";
import { formatProblem } from "../../components/problems";
import { faultKinds } from "./faults";

export interface SimulatorConnection {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly token: string;
}

const HELP = `Commands:
  instances                              list them with status, age and cost
  terminate <id or name>                 terminate one behind the program's back
  preempt <id or name>                   take one away
  stick | release <id or name>           keep one booting, or let it go on
  capacity <type> <region> <count>       set how many there are to launch
  account active | inactive              switch the account
  fault <route> <kind> [--nth N] [--times N] [--seconds N]
                                         kinds: ${faultKinds.join(", ")}
  faults [clear]                         list or clear the faults
  audit                                  what happened so far
Add --json for JSON.`;

const stateSchema = z.looseObject({
  instances: z.array(z.record(z.string(), z.unknown())),
  faults: z.array(z.record(z.string(), z.unknown())),
});

class Admin {
  constructor(private readonly connection: SimulatorConnection) {}

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.connection.url}/admin/${path}`, {
      method,
      headers: { "x-admin-token": this.connection.token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(
        formatProblem({ path: "sandbox", what: "does not answer", fix: "Start it with: make up" }),
      );
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    throw new Error(z.object({ error: z.string() }).parse(answer).error);
  }

  async state(): Promise<z.infer<typeof stateSchema>> {
    return stateSchema.parse(await this.call("GET", "state"));
  }
}

function option(args: readonly string[], name: string): number | undefined {
  const index = args.indexOf(`--${name}`);
  return index < 0 ? undefined : Number(args[index + 1]);
}

function faultRule([method = "", path = "", kind = "", ...options]: readonly string[]): object {
  const seconds = option(options, "seconds") ?? 60;
  const timed = ["delay", "list-lag", "unhealthy-boot", "preempt"].includes(kind);
  const fault = { kind, ...(timed ? { seconds } : {}), ...(kind === "commit-error" ? { status: 502 } : {}) };
  return {
    route: `${method} ${path}`,
    nth: option(options, "nth") ?? 1,
    times: option(options, "times") ?? 1,
    fault,
  };
}

/** @returns undefined for a command that is not known */
async function run(admin: Admin, [name, ...args]: readonly string[]): Promise<unknown> {
  const [first = "", second = "", third = ""] = args;
  switch (name) {
    case "instances":
      return (await admin.state()).instances;
    case "terminate":
    case "preempt":
    case "stick":
    case "release":
      return admin.call("POST", "instances", { id: first, action: name });
    case "capacity":
      return admin.call("PUT", "capacity", { type: first, region: second, count: Number(third) });
    case "account":
      return admin.call("PUT", "account", { active: first === "active" });
    case "fault":
      return admin.call("POST", "faults", faultRule(args.flatMap((arg) => arg.split(" "))));
    case "faults":
      return first === "clear" ? admin.call("DELETE", "faults") : (await admin.state()).faults;
    case "audit":
      return admin.call("GET", "audit");
    default:
      return undefined;
  }
}

/** Runs one command and prints its answer. @returns The exit code */
export async function runLambdaCli(
  argv: readonly string[],
  connection: SimulatorConnection,
): Promise<number> {
  const answer = await run(
    new Admin(connection),
    argv.filter((arg) => arg !== "--json"),
  );
  if (answer === undefined) {
    console.error(HELP);
    return argv.length === 0 ? 0 : 2;
  }
  if (argv.includes("--json")) console.log(JSON.stringify(answer, null, 2));
  else if (Array.isArray(answer) && answer.length === 0) console.log("none");
  else console.table(Array.isArray(answer) ? answer : [answer]);
  return 0;
}
