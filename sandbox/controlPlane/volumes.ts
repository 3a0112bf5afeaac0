/** The part of k3s' local-path provisioner that a cluster notices: claims get volumes. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ApiError, type ApiClient } from "./apiClient";

const POLL_MS = 500;
const CLASS = "local-path";
const PROVISIONER = "rancher.io/local-path";
/** Set by the scheduler once a pod that uses the claim has a node. */
const SELECTED_NODE = "volume.kubernetes.io/selected-node";

const claimsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
      spec: z.object({
        storageClassName: z.string().optional(),
        volumeName: z.string().optional(),
        accessModes: z.array(z.string()),
        volumeMode: z.string().optional(),
        resources: z.object({ requests: z.object({ storage: z.string() }) }),
      }),
    }),
  ),
});

const volumesSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      spec: z.object({ storageClassName: z.string().optional() }),
      status: z.object({ phase: z.string().optional() }),
    }),
  ),
});

type Claim = z.infer<typeof claimsSchema>["items"][number];

/** Provides a volume for every claim of the class `local-path` whose pod has a node; nothing is stored anywhere. */
export class VolumeProvisioner {
  private readonly stopped = new AbortController();
  private readonly loop: Promise<void>;

  private constructor(private readonly client: ApiClient) {
    this.loop = this.run();
  }

  /** Makes the default StorageClass and starts watching for claims. */
  static async start(client: ApiClient): Promise<VolumeProvisioner> {
    await client.apply(`/apis/storage.k8s.io/v1/storageclasses/${CLASS}`, {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: CLASS, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: PROVISIONER,
      reclaimPolicy: "Delete",
      volumeBindingMode: "WaitForFirstConsumer",
    });
    return new VolumeProvisioner(client);
  }

  /** Stops watching; volumes stay. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      // An API server that is being restarted is asked again in a moment.
      await this.provide().catch(() => undefined);
      await this.reclaim().catch(() => undefined);
      await sleep(POLL_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  private async provide(): Promise<void> {
    const claims = claimsSchema.parse(await this.client.get("/api/v1/persistentvolumeclaims"));
    for (const claim of claims.items) {
      const node = claim.metadata.annotations?.[SELECTED_NODE];
      if (claim.spec.storageClassName !== CLASS || claim.spec.volumeName !== undefined || node === undefined)
        continue;
      try {
        await this.client.create("/api/v1/persistentvolumes", renderVolume(claim, node));
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409)) throw error;
      }
    }
  }

  /** Deletes the volumes whose claim is gone: the controller manager leaves that to the provisioner. */
  private async reclaim(): Promise<void> {
    const volumes = volumesSchema.parse(await this.client.get("/api/v1/persistentvolumes"));
    for (const { metadata, spec, status } of volumes.items) {
      const released = spec.storageClassName === CLASS && status.phase === "Released";
      if (released && metadata.deletionTimestamp === undefined) {
        await this.client.delete(`/api/v1/persistentvolumes/${metadata.name}`);
      }
    }
  }
}

/** The volume for one claim, on the node its pod was given. */
function renderVolume({ metadata, spec }: Claim, node: string): object {
  const name = `pvc-${metadata.uid}`;
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": PROVISIONER } },
    spec: {
      capacity: { storage: spec.resources.requests.storage },
      accessModes: spec.accessModes,
      volumeMode: spec.volumeMode ?? "Filesystem",
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName: CLASS,
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", ...pick(metadata) },
      hostPath: { path: `/var/lib/rancher/k3s/storage/${name}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
          ],
        },
      },
    },
  };
}

function pick({ name, namespace, uid }: Claim["metadata"]): { name: string; namespace: string; uid: string } {
  return { name, namespace, uid };
}
