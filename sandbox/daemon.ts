/**
 * The sandbox's one long-lived process: the simulated Lambda Cloud, a host for each instance of it, the control plane
 * that those hosts start, and the downloads that a node bootstrap fetches. Started by `make up`, ended by `make down`.
 */
import { createServer, type Server } from "node:http";
import { existsSync, rmSync } from "node:fs";
import * as path from "node:path";
import { HostFleet } from "./hosts/fleet";
import { READY_FILE } from "./daemonControl";
import { k3sBinary } from "./hosts/shims";
import { LambdaSimulator } from "./lambdaCloud/simulator";
import { sandboxDir } from "./paths";
import { writePrivate } from "./files";
import { sandboxSettings, type SandboxSettings } from "./settings";

/** How often the daemon looks whether its folder is still there; without it, nobody could stop it any more. */
const ORPHAN_CHECK_MS = 2_000;

/** Serves `/k3s/<version>/k3s` and its checksums, as the releases page of k3s does. */
function downloadServer(): Server {
  return createServer((request, response) => {
    const [, folder, version, file] = decodeURIComponent(request.url ?? "").split("/");
    const download = k3sBinary(version ?? "");
    const asset = /^k3s(-arm64)?$/.test(file ?? "");
    const sums = /^sha256sum-(amd64|arm64)\.txt$/.exec(file ?? "");
    if (folder === "k3s" && asset) {
      response.end(download.content);
    } else if (folder === "k3s" && sums) {
      response.end(`${download.sha256}  ${sums[1] === "arm64" ? "k3s-arm64" : "k3s"}\n`);
    } else {
      response.writeHead(404).end("not found\n");
    }
  });
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve();
    });
  });

interface Running {
  stop(): Promise<void>;
}

async function start(dir: string, binDir: string, settings: SandboxSettings): Promise<Running> {
  const { ports, addressPrefix, apiKey, adminToken, timeScale } = settings;
  const fleet = new HostFleet({ dir: path.join(dir, "machines"), binDir, sshPort: ports.ssh });
  await fleet.start();
  const simulator = new LambdaSimulator({
    stateFile: path.join(dir, "lambda.json"),
    port: ports.lambda,
    apiKey,
    adminToken,
    timeScale,
    addressPool: Array.from({ length: 253 }, (_, index) => `${addressPrefix}.${index + 2}`),
  });
  simulator.on("instance", (snapshot) => {
    fleet.apply(snapshot).catch((error: unknown) => {
      console.error(`instance ${snapshot.name}:`, error);
    });
  });
  const downloads = downloadServer();
  await listen(downloads, ports.downloads);
  fleet.retain(simulator.instances().map(({ id }) => id));
  await simulator.start();
  // Machines of an earlier run come back before anyone is told that the sandbox is ready.
  await Promise.allSettled(simulator.instances().map((snapshot) => fleet.apply(snapshot)));
  return {
    stop: async () => {
      await simulator.stop();
      await fleet.stop();
      downloads.close();
      downloads.closeAllConnections();
    },
  };
}

/** @param binDir Folder with the control plane's programs */
async function main([binDir = ""]: readonly string[]): Promise<void> {
  const dir = sandboxDir();
  const settings = await sandboxSettings(dir);
  const readyFile = path.join(dir, READY_FILE);
  rmSync(readyFile, { force: true });
  const running = await start(dir, binDir, settings);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void running.stop().finally(() => {
      rmSync(readyFile, { force: true });
      process.exit(0);
    });
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  writePrivate(readyFile, JSON.stringify({ pid: process.pid }));
  setInterval(() => {
    if (!existsSync(readyFile)) stop();
  }, ORPHAN_CHECK_MS);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
});
