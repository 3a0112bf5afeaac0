import { parse, stringify } from "yaml";
import { z } from "zod";

const base64 = z.string().min(1);

const k3sKubeconfig = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ "certificate-authority-data": base64 }) })]),
  users: z.tuple([
    z.object({ user: z.object({ "client-certificate-data": base64, "client-key-data": base64 }) }),
  ]),
});

/**
 * The cluster's admin kubeconfig from the one that k3s writes on its server. It depends on stable facts alone (CA,
 * client certificate, address), with sorted keys, so that it changes only when the cluster does.
 *
 * @param k3sYaml Content of `/etc/rancher/k3s/k3s.yaml`, which points at 127.0.0.1
 * @param cluster Name of the cluster, context and user
 * @param server `https://<address>:<port>` under which the API server is reached from outside
 * @throws Error when the text is not a k3s kubeconfig; the text itself, being secret, is not quoted
 */
export function externalKubeconfig(k3sYaml: string, cluster: string, server: string): string {
  const parsed = k3sKubeconfig.safeParse(parse(k3sYaml));
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new Error(
      `/etc/rancher/k3s/k3s.yaml: the kubeconfig is not what k3s writes (problems at ${where}). Log in to the server and look at the k3s service.`,
    );
  }
  const ca = parsed.data.clusters[0].cluster["certificate-authority-data"];
  const { user } = parsed.data.users[0];
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": cluster,
      clusters: [{ name: cluster, cluster: { server, "certificate-authority-data": ca } }],
      contexts: [{ name: cluster, context: { cluster, user: cluster } }],
      users: [{ name: cluster, user }],
    },
    { sortMapEntries: true },
  );
}
