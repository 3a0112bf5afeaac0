/**
 * `npm run janitor`: lists what the project's stacks own at Lambda but no state holds, and removes what is named.
 * It reads the states of every stack of the backend that `pulumi` is logged in to. Exit code: 0 nothing is left over,
 * 1 something is, 2 it could not be found out.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import {
  findOwned,
  heldBy,
  leftOver,
  removeLeftover,
  type Leftover,
} from "../components/lambda-cloud/janitor";
import { clientFromEnvironment } from "../components/lambda-cloud/settings";
import { ProblemReport, formatProblem } from "../components/problems";

const HELP = `Usage: npm run janitor -- [options] [name …]
Lists what this project's stacks own at Lambda Cloud but no state holds.
  name …      remove these; nothing else is ever removed
  --json      print JSON`;

const stacksSchema = z.array(z.looseObject({ name: z.string() }));

function pulumi(...args: readonly string[]): unknown {
  return JSON.parse(execFileSync("pulumi", args, { encoding: "utf8", maxBuffer: 2 ** 30 }));
}

function heldByAllStacks(): ReturnType<typeof heldBy> {
  const stacks = stacksSchema.parse(pulumi("stack", "ls", "--json"));
  return heldBy(stacks.map(({ name }) => pulumi("stack", "export", "--stack", name)));
}

/** Those that are named. @throws ProblemReport for a name that is none of them, or that an update still needs */
function chosen(leftovers: readonly Leftover[], names: readonly string[]): Leftover[] {
  const problems = names.flatMap((name) => {
    const found = leftovers.filter((one) => one.name === name || one.id === name);
    if (found.length === 0)
      return [{ path: name, what: "is nothing that is left over", fix: "Look at the list without names" }];
    if (found.some(({ isPending }) => isPending)) {
      const fix = "Run pulumi up, which takes it over, and pulumi destroy if it is to go";
      return [{ path: name, what: "is being made by an update that is running or was cut off", fix }];
    }
    return [];
  });
  if (problems.length > 0) throw new ProblemReport("names to remove", problems);
  return leftovers.filter(({ id, name }) => names.includes(name) || names.includes(id));
}

function describe({ kind, name, id, hourlyPriceUsd, isPending }: Leftover): string {
  const cost = hourlyPriceUsd === undefined ? "" : `, $${hourlyPriceUsd.toFixed(2)} an hour`;
  return `${kind} ${name} (${id}${cost})${isPending ? ": an update is making it, run pulumi up" : ""}`;
}

async function main(): Promise<number> {
  const options = { json: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values, positionals: names } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const client = clientFromEnvironment({ get: () => undefined });
  if (client === undefined) {
    throw new Error(
      formatProblem({
        path: "LAMBDA_LABS_API_KEY",
        what: "is missing",
        expected: "a Lambda Cloud API key",
        fix: "Open the stack's environment, or set it",
      }),
    );
  }
  const { name: project } = z
    .looseObject({ name: z.string() })
    .parse(parse(readFileSync("Pulumi.yaml", "utf8")));
  // Lambda first: what an update makes between the two looks is then in the state, not left over.
  const owned = await findOwned(client, project);
  const leftovers = leftOver(owned, heldByAllStacks());
  const removed = chosen(leftovers, names);
  for (const one of removed) await removeLeftover(client, one);
  const left = leftovers.filter((one) => !removed.includes(one));

  if (values.json) console.log(JSON.stringify({ left, removed }, undefined, 2));
  else {
    for (const one of removed) console.log(`removed ${describe(one)}`);
    for (const one of left) console.log(describe(one));
    if (left.length === 0) console.log("nothing is left over");
  }
  return left.length === 0 ? 0 : 1;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  },
);
