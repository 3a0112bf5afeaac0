import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { runProgram } from "../../support/program";
test("x", async () => {
  pulumi.runtime.setAllConfig({});
  const run = await runProgram(() => new random.RandomPassword("a", { length: pulumi.output(1).apply((): number => { throw new pulumi.RunError("boom"); }) })).then((r) => r.registrations, (e: unknown) => String(e));
  console.log(run);
  const run2 = await runProgram(() => { const p = new random.RandomPassword("a", { length: 1, keepers: { a: pulumi.secret("s") } }); return new random.RandomPassword("b", {length: 2}, {parent: p, deletedWith: p, customTimeouts: {create: "5m"}}); });
  console.log(JSON.stringify(run2.registrations, null, 1));
});
