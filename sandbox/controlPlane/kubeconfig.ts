/** Kubeconfig files: how a client finds the API server and proves itself. */
import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import type { Identity } from "./certificates";

/**
 * Renders a kubeconfig with everything inside, in the shape k3s writes (one entry of each kind, named `default`).
 * @see https://docs.k3s.io/cluster-access
 */
export function renderKubeconfig(server: string, ca: Identity, user: Identity): string {
  const inline = (file: string): string => readFileSync(file).toString("base64");
  return stringify(
    {
      apiVersion: "v1",
      clusters: [{ cluster: { "certificate-authority-data": inline(ca.certFile), server }, name: "default" }],
      contexts: [{ context: { cluster: "default", user: "default" }, name: "default" }],
      "current-context": "default",
      kind: "Config",
      users: [
        {
          name: "default",
          user: {
            "client-certificate-data": inline(user.certFile),
            "client-key-data": inline(user.keyFile),
          },
        },
      ],
    },
    { lineWidth: 0 },
  );
}
