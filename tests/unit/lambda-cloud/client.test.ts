import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { LambdaCloudClient, type ClientOptions } from "../../../components/lambda-cloud/client";
import { Limiter } from "../../../components/lambda-cloud/limiter";
import { instanceType } from "./fakeCloud";

const KEY = "secret_canary-5f0c";
const LAUNCH = {
  region_name: "us-east-1",
  instance_type_name: "gpu_1x_a10",
  ssh_key_names: ["key"],
  user_data: "canary-user-data",
};
const INSTANCE = {
  id: "0920582c7ff041399e34823a0be62549",
  status: "active",
  ssh_key_names: ["key"],
  file_system_names: [],
  region: { name: "us-east-1", description: "Virginia, USA" },
  instance_type: instanceType("gpu_1x_a10"),
  ip: null,
};

interface Seen {
  readonly request: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Answer = (response: ServerResponse) => void;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const text =
  (status: number, body: string): Answer =>
  (response) =>
    response.writeHead(status, { "content-type": "text/html" }).end(body);
const drop: Answer = (response) => response.destroy();

let server: Server;
let seen: Seen[];
let answers: Answer[];

beforeEach(async () => {
  seen = [];
  answers = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ request: `${request.method ?? ""} ${request.url ?? ""}`, headers: request.headers, body });
      (answers.shift() ?? text(500, "no answer is left"))(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A client that does not wait between its attempts; it notes how long it would have. */
function makeClient(options: Partial<ClientOptions> = {}): { client: LambdaCloudClient; sleeps: number[] } {
  const sleeps: number[] = [];
  const now = () => sleeps.reduce((sum, ms) => sum + ms, 0);
  const clock = { now, sleep: (ms: number) => Promise.resolve(void sleeps.push(ms)) };
  const client = new LambdaCloudClient({
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
    apiKey: KEY,
    limiter: new Limiter(clock),
    clock,
    requestIntervalMs: 1,
    launchIntervalMs: 1,
    ...options,
  });
  return { client, sleeps };
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: unknown) => error as Error,
  );

test("a request carries the key and a name of its own, and null counts as absent", async () => {
  answers = [json(200, { data: [{ ...INSTANCE, a_new_field: 1 }] })];
  const { client } = makeClient();
  await expect(client.listInstances()).resolves.toMatchObject([{ id: INSTANCE.id, ip: null }]);
  expect(seen[0]).toMatchObject({
    request: "GET /api/v1/instances",
    headers: { authorization: `Bearer ${KEY}`, "user-agent": "sophia-ai-platform" },
  });
});

test.each([
  ["a server error", text(503, "<html>")],
  ["a dropped connection", drop],
  ["a rate limit", text(429, "error code: 1015")],
  ["an upstream fault", json(400, { error: { code: "provider/internal-unavailable", message: "x" } })],
])("a read is repeated after %s", async (_what, fault) => {
  answers = [fault, fault, json(200, { data: [] })];
  await expect(makeClient().client.listInstances()).resolves.toEqual([]);
  expect(seen).toHaveLength(3);
});

test("a read is given up after six attempts", async () => {
  answers = Array.from({ length: 9 }, () => text(503, "<html>"));
  const error = await failure(makeClient().client.listInstances());
  expect(error.message).toBe(
    "Lambda Cloud: GET /instances: the answer is not one of the API's [unreadable-answer, HTTP 503].",
  );
  expect(seen).toHaveLength(6);
});

test("Retry-After is obeyed", async () => {
  answers = [json(429, {}, { "retry-after": "7" }), json(200, { data: [] })];
  const { client, sleeps } = makeClient();
  await client.listInstances();
  expect(sleeps).toContain(7_000);
});

test("the parts of a list are put together", async () => {
  const other = { ...INSTANCE, id: "f".repeat(32) };
  answers = [
    json(200, { data: [INSTANCE], page_token: "a/b" }),
    json(200, { data: [other], page_token: null }),
  ];
  const ids = (await makeClient().client.listInstances()).map(({ id }) => id);
  expect(ids).toEqual([INSTANCE.id, other.id]);
  expect(seen.map(({ request }) => request)).toEqual([
    "GET /api/v1/instances",
    "GET /api/v1/instances?page_token=a%2Fb",
  ]);
});

test("a list that goes in circles is no list", async () => {
  const again = json(200, { data: [INSTANCE], page_token: "a" });
  answers = [again, again];
  expect((await failure(makeClient().client.listInstances())).message).toBe(
    "Lambda Cloud: GET /instances: the list has no end: a page token came twice [unreadable-answer].",
  );
});

test("nothing is sent again later than five minutes after the first time", async () => {
  const busy = json(429, {}, { "retry-after": "60" });
  answers = Array.from({ length: 9 }, () => busy);
  const { client, sleeps } = makeClient({ requestIntervalMs: 100_000 });
  await failure(client.listInstances());
  expect(sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(300_000);
  expect(seen.length).toBeLessThan(6);
});

test("an aborted client gives up at once", async () => {
  const { client } = makeClient({ signal: AbortSignal.abort() });
  expect((await failure(client.listInstances())).message).toBe(
    "Lambda Cloud: GET /instances: the connection ended without an answer (ERR_CANCELED) [no-answer].",
  );
  expect(seen).toEqual([]);
});

test("a refusal is not repeated", async () => {
  answers = [json(401, { error: { code: "global/invalid-api-key", message: "API key was invalid." } })];
  const error = await failure(makeClient().client.listInstances());
  expect(error).toMatchObject({ kind: "refused", code: "global/invalid-api-key", status: 401 });
  expect(seen).toHaveLength(1);
});

test.each([
  ["a server error", text(502, "<html>")],
  ["a dropped connection", drop],
  ["an unreadable success", text(200, "garbage")],
  ["a success without an id", json(200, { data: { instance_ids: [] } })],
  ["a redirect", (r: ServerResponse) => r.writeHead(301, { location: "/api/v1/elsewhere" }).end()],
])("a launch is never repeated after %s, and nothing secret is in the error", async (_what, fault) => {
  answers = [fault];
  const error = await failure(makeClient().client.launch(LAUNCH));
  expect(error).toMatchObject({ kind: "ambiguous" });
  expect(seen).toHaveLength(1);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
});

test("a launch that was turned away unseen is sent again", async () => {
  answers = [text(429, "error code: 1015"), json(200, { data: { instance_ids: [INSTANCE.id] } })];
  await expect(makeClient().client.launch(LAUNCH)).resolves.toEqual([INSTANCE.id]);
  expect(JSON.parse(seen[1]?.body ?? "")).toEqual(LAUNCH);
});

test("a reply of another shape says where, and quotes nothing", async () => {
  answers = Array.from({ length: 6 }, () => json(200, { data: [{ ...INSTANCE, region: "canary" }] }));
  const error = await failure(makeClient().client.listInstances());
  expect(error.message).toBe(
    "Lambda Cloud: GET /instances: the answer is not what the API documents (at data.0.region) [unreadable-answer, HTTP 200].",
  );
});

const MISSING = json(404, { error: { code: "global/object-does-not-exist", message: "No." } });

test("an instance is gone when the list agrees with the 404", async () => {
  answers = [MISSING, json(200, { data: [] })];
  await expect(makeClient().client.getInstance(INSTANCE.id)).resolves.toBeUndefined();
  answers = [MISSING, json(200, { data: [INSTANCE] })];
  await expect(makeClient().client.getInstance(INSTANCE.id)).resolves.toMatchObject({ id: INSTANCE.id });
});

test("behind a wrong base URL nothing is gone", async () => {
  const unknownRoute = json(404, { error: { code: "global/not-found", message: "No." } });
  answers = [unknownRoute, unknownRoute];
  await expect(makeClient().client.getInstance(INSTANCE.id)).rejects.toMatchObject({ status: 404 });
});

test("writes send what the API documents", async () => {
  const key = { id: "k1", name: "key", public_key: "ssh-ed25519 AAAA" };
  answers = [
    json(200, { data: INSTANCE }),
    json(200, { data: { terminated_instances: [] } }),
    json(200, { data: key }),
    json(200, { data: {} }),
    MISSING,
  ];
  const { client } = makeClient();
  await client.renameInstance("i1", "new");
  await client.terminate("i1");
  await client.addSshKey(key.name, key.public_key);
  await client.deleteSshKey("k1");
  await client.deleteSshKey("k2");
  expect(seen.map(({ request, body }) => `${request} ${body}`)).toEqual([
    'POST /api/v1/instances/i1 {"name":"new"}',
    'POST /api/v1/instance-operations/terminate {"instance_ids":["i1"]}',
    'POST /api/v1/ssh-keys {"name":"key","public_key":"ssh-ed25519 AAAA"}',
    "DELETE /api/v1/ssh-keys/k1 ",
    "DELETE /api/v1/ssh-keys/k2 ",
  ]);
});

test("an API without regions is no fault", async () => {
  answers = [json(404, { error: { code: "global/not-found", message: "No." } })];
  await expect(makeClient().client.listRegions()).resolves.toBeUndefined();
});
