/** An instance as the simulated Lambda Cloud describes it to the hosts. */
export interface InstanceSnapshot {
  readonly id: string;
  readonly name: string;
  /** As in the API: `booting`, `active`, `unhealthy`, `terminating`, `terminated`, `preempted`. */
  readonly status: string;
  /** A loopback address such as `127.77.3.2`; absent until the instance has one. */
  readonly ip?: string | undefined;
  readonly instanceType: string;
  readonly gpus: number;
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly storageGib: number;
  readonly architecture: "amd64" | "arm64";
  /** Such as `A10 (24 GB PCIe)`. */
  readonly gpuDescription: string;
  /** Public keys in OpenSSH's one-line form that may log in. */
  readonly sshPublicKeys: readonly string[];
  /** What cloud-init gets: a script or a `#cloud-config`. @default - nothing */
  readonly userData?: string | undefined;
  readonly hostname: string;
  readonly region: string;
}
