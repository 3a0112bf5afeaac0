import { createServer } from "node:net";

/** A TCP port that is free on an address now; nothing keeps it free, so use it at once. */
export function freePort(address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, address, () => {
      const bound = probe.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : 0;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}
