import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../sandbox/settings";
import { Cluster, type ClusterControl } from "../../../sandbox/hosts/cluster";
import { K3sRefusal } from "../../../sandbox/hosts/k3sConfig";

const HASH = "a".repeat(64);

let dir: string;
let events: string[];

const control = (): ClusterControl => ({
  start: ({ address, port }) => {
    events.push(`start ${address}`);
    return Promise.resolve({ kubeconfig: `server: https://${address}:${port}` });
  },
  stop: () => {
    events.push("stop");
    return Promise.resolve();
  },
  serveAs: (names) => events.push(`serveAs ${names.join(" ")}`),
  caHash: () => HASH,
  registerNode: () => Promise.resolve(),
  removeNode: (name) => {
    events.push(`remove ${name}`);
    return Promise.resolve();
  },
});

const newCluster = (tokens = {}): Cluster => new Cluster(join(dir, "cluster"), control, tokens);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "cluster-"));
  events = [];
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe("tokens", () => {
  const url = "https://10.0.0.1:6443";
  const refusal = new K3sRefusal(
    `failed to validate token: token is not valid: ${url}/v1-k3s/config: 401 Unauthorized`,
  );

  test("in both forms are accepted; an agent's opens no server", () => {
    const cluster = newCluster({ server: "s", agent: "a" });
    expect(cluster.nodeToken).toBe(`K10${HASH}::server:s`);
    for (const token of ["s", "a", cluster.nodeToken, `K10${HASH}::node:a`])
      cluster.checkToken(token, "agent", url);
    expect(() => {
      cluster.checkToken("a", "server", url);
    }).toThrow(refusal);
    expect(() => {
      cluster.checkToken("other", "agent", url);
    }).toThrow(refusal);
  });

  test("of another cluster are told apart by the authority's hash", () => {
    const other = "b".repeat(64);
    expect(() => {
      newCluster({ server: "s" }).checkToken(`K10${other}::server:s`, "agent", url);
    }).toThrow(
      new K3sRefusal(`token CA hash does not match the Cluster CA certificate hash: ${other} != ${HASH}`),
    );
  });

  test("stay what they were at the first start", () => {
    newCluster({ server: "first" });
    expect(newCluster({ server: "second" }).nodeToken).toBe(`K10${HASH}::server:first`);
  });
});

test("a second server passes connections on, and takes over when the first one goes", async () => {
  const port = await freePort("127.77.92.1");
  const backend = createServer((_, reply) => reply.end("api"));
  await new Promise<void>((resolve) => backend.listen(port, "127.77.92.1", resolve));
  const cluster = newCluster();
  const server = (instanceId: string, address: string): Parameters<Cluster["addServer"]>[0] => ({
    instanceId,
    request: { address, port, tlsSans: ["api.test"] },
  });
  try {
    await cluster.addServer(server("one", "127.77.92.1"));
    await cluster.addServer(server("two", "127.77.92.2"));
    expect(await (await fetch(`http://127.77.92.2:${port}`)).text()).toBe("api");
    expect(cluster.servesAt("127.77.92.2", port)).toBe(true);
    await cluster.removeServer("one");
    expect(cluster.servesAt("127.77.92.1", port)).toBe(false);
    expect(cluster.adminKubeconfig).toBe(`server: https://127.77.92.2:${port}`);
    await cluster.removeServer("two");
    expect(cluster.isEmpty).toBe(true);
  } finally {
    await cluster.stop();
    await new Promise((resolve) => backend.close(resolve));
  }
  expect(events).toEqual([
    "start 127.77.92.1",
    "serveAs 127.77.92.2 api.test",
    "stop",
    "start 127.77.92.2",
    "stop",
    "stop",
  ]);
});
