/** What becomes of an instance after its launch, and what is kept of it. */
import { readFileSync, statSync } from "node:fs";
import * as path from "node:path";
import type { Instance } from "../../../components/lambda-cloud/schemas";
import type { FaultRuleInput } from "../../../sandbox/lambdaCloud/faults";
import { Fixture, PUBLIC_KEY, refusal } from "./fixture";

const CONFLICT = [409, "global/conflict", "The request conflicts with the current state of the resource."];

let f: Fixture;
beforeEach(async () => {
  f = await Fixture.withKey();
});
afterEach(() => f.dispose());

const fault = (rule: FaultRuleInput) => f.admin("POST", "/faults", rule);
const restart = (id: string) => f.call("POST", "/instance-operations/restart", { instance_ids: [id] });
const act = (id: string, action: string) => f.admin("POST", "/instances", { id, action });

test("a restart keeps the address, and cannot be asked for meanwhile", async () => {
  const id = await f.launched();
  expect(await refusal(restart(id))).toEqual(CONFLICT);
  f.clock.advance(120);
  const { ip } = await f.show(id);
  expect((await restart(id)).status).toBe(200);
  expect(await f.show(id)).toMatchObject({
    status: "booting",
    ip,
    actions: { restart: { available: false, reason_code: "vm-action-in-progress" } },
  });
  expect(await refusal(restart(id))).toEqual(CONFLICT);
  f.clock.advance(60);
  expect(await f.show(id)).toMatchObject({ status: "active", ip });
});

test("a second termination changes nothing", async () => {
  const id = await f.launched();
  const terminate = () => f.data("POST", "/instance-operations/terminate", { instance_ids: [id] });
  await terminate();
  f.clock.advance(40);
  await terminate();
  f.clock.advance(20);
  expect((await f.show(id)).status).toBe("terminated");
});

test("an active instance may have no address, or no private one", async () => {
  await fault({ route: "POST /instance-operations/launch", fault: { kind: "without-ip" } });
  await fault({ route: "POST /instance-operations/launch", nth: 2, fault: { kind: "without-private-ip" } });
  const [none, some] = [await f.launched(), await f.launched()];
  f.clock.advance(200);
  expect(await f.show(none)).toMatchObject({ status: "active", private_ip: "10.19.0.1" });
  expect(await f.show(none)).not.toHaveProperty("ip");
  expect(await f.show(some)).toMatchObject({ status: "active", ip: "198.51.100.3" });
  expect(await f.show(some)).not.toHaveProperty("private_ip");
});

test("one that vanishes is gone from the list, and its machine's player hears of it", async () => {
  const heard: string[] = [];
  f.simulator.on("instance", ({ status }) => heard.push(status));
  await fault({ route: "POST /instance-operations/launch", fault: { kind: "vanish", seconds: 130 } });
  const id = await f.launched();
  f.clock.advance(131);
  expect((await f.call("GET", `/instances/${id}`)).status).toBe(404);
  expect(heard).toEqual(["booting", "booting", "active", "terminated"]);
});

test("one that is stuck costs nothing until it is let go", async () => {
  const id = await f.launched({ name: "slow" });
  await act("slow", "stick");
  f.clock.advance(3600);
  expect((await f.show(id)).status).toBe("booting");
  await act("slow", "release");
  expect((await f.show(id)).status).toBe("active");
  f.clock.advance(3598);
  const { text } = await f.admin("GET", "/state");
  expect(JSON.parse(text)).toMatchObject({ instances: [{ id, usdPerHour: 1.29, usd: 1.29 }] });
  expect((await act(id, "stick")).text).toBe(
    '{"error":"instance: only a booting instance can be stuck (got \\"active\\"); expected booting."}',
  );
});

test("one that is killed frees its room and its address at once", async () => {
  await f.admin("PUT", "/capacity", { type: "gpu_1x_a10", region: "us-east-1", count: 1 });
  await act(await f.launched(), "kill");
  expect(await f.data<Instance[]>("GET", "/instances")).toEqual([]);
  await f.launched();
});

test("a fault may strike every so often", async () => {
  await fault({ route: "GET /regions", nth: 2, every: 2, times: 2, fault: { kind: "inactive" } });
  const statuses = [];
  for (let i = 0; i < 7; i++) statuses.push((await f.call("GET", "/regions")).status);
  expect(statuses).toEqual([200, 403, 200, 403, 200, 200, 200]);
});

test("a delayed request is carried out in the end, though nobody waits for it any more", async () => {
  await fault({ route: "POST /ssh-keys", fault: { kind: "delay", seconds: 30 } });
  const gone = new AbortController();
  const call = fetch(`${f.url}/ssh-keys`, {
    method: "POST",
    headers: { authorization: "Bearer secret_test" },
    body: JSON.stringify({ name: "late", public_key: PUBLIC_KEY }),
    signal: gone.signal,
  });
  while (!(await f.admin("GET", "/faults")).text.includes('"seen":1')) await Promise.resolve();
  gone.abort();
  await expect(call).rejects.toThrow("aborted");
  expect(await f.data<unknown[]>("GET", "/ssh-keys")).toHaveLength(1);
  f.clock.advance(30);
  expect(await f.data<unknown[]>("GET", "/ssh-keys")).toHaveLength(2);
});

test("the state is for its owner only, and has no private key", async () => {
  const { private_key } = await f.data<{ private_key: string }>("POST", "/ssh-keys", { name: "made" });
  await f.launched();
  const file = path.join(f.dir, "state.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(f.simulator.auditFile).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).not.toContain(private_key.split("\n")[1]);
});

test("after a restart only what changed meanwhile is told", async () => {
  await f.launched({ name: "old" });
  f.clock.advance(200);
  await f.launched({ name: "new" });
  await f.simulator.stop();
  f.clock.advance(200);
  const heard: string[] = [];
  await f.start({}, (simulator) =>
    simulator.on("instance", ({ name, status }) => heard.push(`${name} ${status}`)),
  );
  expect(heard).toEqual(["new active"]);
});

test("the audit log says what every instance cost", async () => {
  const id = await f.launched();
  f.clock.advance(120 + 3600 - 1);
  await f.data("POST", "/instance-operations/terminate", { instance_ids: [id] });
  const events = JSON.parse((await f.admin("GET", "/audit")).text) as Record<string, unknown>[];
  expect(events.map(({ event, status }) => status ?? event)).toEqual([
    "launch",
    "booting",
    "booting",
    "active",
    "terminate",
    "terminating",
  ]);
  expect(events.find(({ event }) => event === "terminate")).toMatchObject({
    id,
    billedSeconds: 3600,
    usd: 1.29,
  });
});
