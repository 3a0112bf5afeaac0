/** What the simulator is for: limits, faults, a restart, and looking behind the API. */
import { readFileSync } from "node:fs";
import type { Instance } from "../../../components/lambda-cloud/schemas";
import { runLambdaCli } from "../../../sandbox/lambdaCloud/cli";
import { renderPage } from "../../../sandbox/lambdaCloud/page";
import { Fixture } from "./fixture";

let f: Fixture;
beforeEach(async () => {
  f = await Fixture.withKey();
});
afterEach(() => f.dispose());

describe("limits", () => {
  test("a burst of requests is turned away, and let through a second later", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 9; i++) {
      f.clock.advance(-1); // call() goes forward by one: stand still
      statuses.push((await f.call("GET", "/regions")).status);
    }
    expect(statuses).toContain(429);
    f.clock.advance(2);
    expect((await f.call("GET", "/regions")).status).toBe(200);
  });

  test("a second launch within twelve seconds is turned away, and nothing is launched", async () => {
    await f.launched();
    f.clock.advance(-12);
    expect((await f.launch()).status).toBe(429);
    expect(await f.data<Instance[]>("GET", "/instances")).toHaveLength(1);
  });
});

describe("faults", () => {
  const LAUNCH = "POST /instance-operations/launch";
  const add = (fault: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    f.admin("POST", "/faults", { route: LAUNCH, fault, ...more });
  const alive = async (): Promise<number> => (await f.data<Instance[]>("GET", "/instances")).length;

  test.each(["drop", "commit-drop"])("%s: no answer", async (kind) => {
    await add({ kind });
    await expect(f.launch()).rejects.toThrow("fetch failed");
    expect(await alive()).toBe(kind === "drop" ? 0 : 1);
  });

  test.each([
    ["commit-error", 502, 1],
    ["commit-garbage", 200, 1],
    ["empty-ids", 200, 1],
    ["rate-limit", 429, 0],
    ["unavailable", 503, 0],
    ["no-capacity", 400, 0],
    ["inactive", 403, 0],
    ["unknown-error", 400, 0],
  ])("%s: status %i, %i launched", async (kind, status, count) => {
    await add({ kind });
    f.clock.advance(12);
    const response = await fetch(`${f.url}/instance-operations/launch`, {
      method: "POST",
      headers: { authorization: "Bearer secret_test", "user-agent": "test" },
      body: JSON.stringify({
        region_name: "us-east-1",
        instance_type_name: "gpu_1x_a10",
        ssh_key_names: ["key"],
      }),
    });
    expect(response.status).toBe(status);
    expect(await alive()).toBe(count);
  });

  test("a rate limit as text, with Retry-After", async () => {
    await add({ kind: "rate-limit", text: true, retryAfterSeconds: 7 });
    const { status, text, headers } = await f.launch();
    expect([status, text, headers.get("retry-after")]).toEqual([429, "error code: 1015", "7"]);
  });

  test("list lag hides what was launched", async () => {
    await add({ kind: "list-lag", seconds: 30 });
    await f.launched();
    expect(await alive()).toBe(0);
    f.clock.advance(40);
    expect(await alive()).toBe(1);
  });

  test.each([
    [{ kind: "stuck-boot" }, "booting"],
    [{ kind: "unhealthy-boot", seconds: 500 }, "unhealthy"],
    [{ kind: "preempt", seconds: 150 }, "preempted"],
  ])("%j: after three minutes %s", async (fault, status) => {
    await add(fault);
    const id = await f.launched();
    f.clock.advance(180);
    expect((await f.show(id)).status).toBe(status);
  });

  test("strike as scheduled", async () => {
    await add({ kind: "no-capacity" }, { nth: 2, times: 2 });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await f.launch()).status);
    expect(statuses).toEqual([200, 400, 400, 200, 200]);
  });
});

describe("a restart", () => {
  test("goes on from the state file, and misses nothing", async () => {
    const id = await f.launched({ name: "kept" });
    await f.simulator.stop();
    f.clock.advance(200);
    await f.start();
    expect(await f.show(id)).toMatchObject({ name: "kept", status: "active" });
  });

  test("the audit log tells of every launch and every end", async () => {
    const id = await f.launched();
    await f.data("POST", "/instance-operations/terminate", { instance_ids: [id] });
    const events = readFileSync(f.simulator.auditFile, "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events.filter((event) => event === "launch")).toHaveLength(1);
    expect(events.filter((event) => event === "terminate")).toHaveLength(1);
  });
});

describe("behind the API", () => {
  test("a wrong token learns nothing", async () => {
    expect((await f.admin("GET", "/state", undefined, "wrong")).status).toBe(401);
  });

  test("an unknown fault is refused", async () => {
    expect(
      (await f.admin("POST", "/faults", { route: "GET /instances", fault: { kind: "earthquake" } })).status,
    ).toBe(400);
  });

  test("the command line lists, ends, and says what went wrong", async () => {
    const id = await f.launched({ name: "cli" });
    const print = jest.spyOn(console, "log").mockImplementation(() => undefined);
    const connection = { url: f.url.replace("/api/v1", ""), token: f.token };
    expect(await runLambdaCli(["instances", "--json"], connection)).toBe(0);
    expect(String(print.mock.calls[0]?.[0])).toContain(id);
    expect(await runLambdaCli(["terminate", "cli"], connection)).toBe(0);
    print.mockRestore();
    expect((await f.show(id)).status).toBe("terminating");
  });

  test("the page is whole in itself", () => {
    expect(renderPage()).toMatch(/^<!doctype html>/i);
    expect(renderPage()).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});
