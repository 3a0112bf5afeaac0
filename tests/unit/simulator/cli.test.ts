import { runLambdaCli } from "../../../sandbox/lambdaCloud/cli";
import { Fixture } from "./fixture";

const LAUNCH = "POST /instance-operations/launch";

let f: Fixture;
beforeAll(async () => {
  f = await Fixture.withKey();
});
afterAll(() => f.dispose());

/** Exit code and what was said. */
async function lambda(...argv: string[]): Promise<[number, string]> {
  const said: string[] = [];
  const say = (text: unknown): void => {
    said.push(String(text));
  };
  const spies = [jest.spyOn(console, "log"), jest.spyOn(console, "error")];
  for (const spy of spies) spy.mockImplementation(say);
  try {
    const connection = { url: f.url.replace("/api/v1", ""), token: f.token };
    return [await runLambdaCli(argv, connection), said.join("\n")];
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

test("instances as a table", async () => {
  expect(await lambda("instances")).toEqual([0, "none"]);
  const id = await f.launched({ name: "one" });
  const [, text] = await lambda("instances");
  expect(text.split("\n")).toEqual([
    "id                                name  status   stuck  type        region     ip  ageSeconds  usdPerHour  usd",
    `${id}  one   booting  false  gpu_1x_a10  us-east-1      0           1.29        0`,
  ]);
});

test("faults: added, with the route's quotes or without, listed and cleared", async () => {
  const row = `${LAUNCH}  2    1      3      {"kind":"commit-drop"}  0`;
  const table = `route                             nth  every  times  fault                   seen\n${row}`;
  const options = ["--nth", "2", "--times", "3"];
  expect(await lambda("fault", "add", LAUNCH, "commit-drop", ...options)).toEqual([0, table]);
  expect(await lambda("fault", "clear")).toEqual([0, "done"]);
  expect(await lambda("fault", "add", ...LAUNCH.split(" "), "commit-drop", ...options)).toEqual([0, table]);
  expect(await lambda("faults")).toEqual([0, table]);
  expect(await lambda("fault", "clear")).toEqual([0, "done"]);
  expect(await lambda("faults")).toEqual([0, "none"]);
});

test("seconds go to the fault", async () => {
  const [, text] = await lambda("fault", "add", LAUNCH, "list-lag", "--seconds", "5", "--json");
  expect(JSON.parse(text)).toEqual({
    route: LAUNCH,
    nth: 1,
    every: 1,
    times: 1,
    fault: { kind: "list-lag", seconds: 5 },
    seen: 0,
  });
  await lambda("fault", "clear");
});

test("capacity, account, preempt, audit", async () => {
  expect(await lambda("capacity", "gpu_1x_a10", "us-west-1", "7")).toEqual([
    0,
    "type        region     count\ngpu_1x_a10  us-west-1  7",
  ]);
  expect(await lambda("account", "inactive")).toEqual([0, "active\nfalse"]);
  expect(await lambda("account", "active")).toEqual([0, "active\ntrue"]);
  const id = await f.launched({ name: "two" });
  expect(await lambda("preempt", "two")).toEqual([
    0,
    `id                                name  status\n${id}  two   preempted`,
  ]);
  const [code, text] = await lambda("audit", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(text)).toContainEqual(expect.objectContaining({ event: "launch", id }));
});

test.each([
  [[], 0],
  [["help"], 0],
])("help for %j", async (argv, code) => {
  const [exit, text] = await lambda(...argv);
  expect(exit).toBe(code);
  expect(text).toMatch(/^Commands:\n {2}instances /);
});

test.each<[string[], number, string]>([
  [
    ["frob"],
    2,
    'command: is not known (got "frob"); expected one of the commands. See all commands with: help.',
  ],
  [
    ["terminate"],
    2,
    "terminate: lacks an argument; expected an instance's id or name. See all commands with: help.",
  ],
  [
    ["terminate", "nobody"],
    1,
    'instance: is not known (got "nobody"); expected an instance\'s id or name. List them with: instances.',
  ],
  [["capacity", "gpu_1x_a10"], 2, "count: is missing; expected a whole number. See all commands with: help."],
  [
    ["capacity", "gpu_1x_a10", "us-east-1", "many"],
    2,
    'count: is malformed (got "many"); expected a whole number. See all commands with: help.',
  ],
  [
    ["account", "off"],
    2,
    'account: is neither (got "off"); expected active, inactive. See all commands with: help.',
  ],
  [
    ["fault", "add", "commit-drop"],
    2,
    "fault add: lacks arguments; expected <route> <fault>. See all commands with: help.",
  ],
  [
    ["fault"],
    2,
    "fault: is no command by itself; expected fault add, fault clear. See all commands with: help.",
  ],
  [
    ["instances", "--wat"],
    2,
    'command line: has an option that is not known or lacks its value (got "instances --wat"); expected --json, --nth, --every, --times, --seconds. See all commands with: help.',
  ],
])("%j is refused", async (argv, code, message) => {
  expect(await lambda(...argv)).toEqual([code, message]);
});

test("names that the simulator does not know", async () => {
  expect((await lambda("capacity", "gpu_9x", "us-east-1", "1"))[1]).toMatch(
    /^type: is not known \(got "gpu_9x"\); expected cpu_4x_general, /,
  );
  expect((await lambda("fault", "add", "GET /nope", "drop"))[1]).toMatch(
    /^route: is not known \(got "GET \/nope"\); expected GET \/instances, /,
  );
  expect((await lambda("fault", "add", LAUNCH, "quake"))[1]).toMatch(
    /^fault: is not known \(got "quake"\); expected unauthorized, inactive, /,
  );
});

test("a simulator that does not run", async () => {
  const error = jest.spyOn(console, "error").mockImplementation(() => undefined);
  expect(await runLambdaCli(["instances"], { url: "http://127.0.0.1:1", token: "" })).toBe(1);
  expect(error).toHaveBeenCalledWith("sandbox: does not answer. Start it with: make up.");
  error.mockRestore();
});
