import * as pulumi from "@pulumi/pulumi";
import type { Placement } from "../lambda-cloud/launch";
import { instanceProvider } from "./provider";

/** Where an instance mounts a file system. */
export interface MountArgs {
  readonly id: pulumi.Input<string>;
  readonly name: pulumi.Input<string>;
  readonly region: pulumi.Input<string>;
  /** Below /home, /lambda/nfs or /data. @default - /lambda/nfs/<name> */
  readonly mountPoint?: string;
}

/** Arguments of an {@link Instance} (https://docs.lambda.ai/api/cloud: launch instances). */
export interface InstanceArgs {
  /** Name under which the instance is found again; make it with `ownedName`. A change alone renames in place. */
  readonly name: string;
  /** Where it may run, in order of preference. A running instance stays as long as its placement is still listed. */
  readonly placements: readonly Placement[];
  /** Name of the one SSH key that is put on the instance. A change replaces. */
  readonly sshKeyName: pulumi.Input<string>;
  /** Image to boot. A change replaces. @default - the region's current Lambda Stack, which differs between regions */
  readonly image?: { readonly family: string } | { readonly id: string };
  /** A change replaces. @default - derived from the address */
  readonly hostname?: string;
  /** cloud-init user data, at most 1,000,000 bytes; kept secret. A change replaces. @default - none */
  readonly userData?: pulumi.Input<string>;
  /** File systems to mount; they pin the region. A change replaces. @default - none */
  readonly fileSystems?: pulumi.Input<MountArgs>[];
  /** The firewall rulesets that there are; the instance gets those of its region. A change of these replaces. @default - none */
  readonly firewallRulesets?: pulumi.Input<{ id: pulumi.Input<string>; region: pulumi.Input<string> }>[];
  /** Keys in lower case with dashes. A change replaces. @default - none but managed-by */
  readonly tags?: Readonly<Record<string, string>>;
  /** Id of an instance that exists already and is taken over instead of launching one. @default - launch */
  readonly adopt?: string;
  /** How long room is waited for when no placement has any, minutes. @default 0 */
  readonly capacityTimeoutMinutes?: number;
  /**
   * In which order a replacement happens. create-first needs room for two and pays for both meanwhile; delete-first
   * may lose the only GPU there is. @default "create-first"
   */
  readonly replacement?: "create-first" | "delete-first";
}

/**
 * A Lambda Cloud instance, launched exactly once whatever fails on the way.
 *
 * **Danger**: replacing or deleting it terminates the machine, and its local disk with it.
 * **Cost**: `hourlyPriceUsd`, billed by the minute from the first health check to termination.
 */
export class Instance extends pulumi.dynamic.Resource {
  declare readonly name: pulumi.Output<string>;
  /** Public IPv4 address. */
  declare readonly ip: pulumi.Output<string>;
  /** Address inside the region; some regions give none. */
  declare readonly privateIp: pulumi.Output<string | undefined>;
  /** The placement that was chosen. */
  declare readonly instanceType: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string>;
  /** US dollars. */
  declare readonly hourlyPriceUsd: pulumi.Output<number>;
  declare readonly gpus: pulumi.Output<number>;
  declare readonly vcpus: pulumi.Output<number>;
  declare readonly memoryGib: pulumi.Output<number>;
  declare readonly architecture: pulumi.Output<"amd64" | "arm64">;
  /** Opens the instance's notebook server; secret. */
  declare readonly jupyterToken: pulumi.Output<string | undefined>;
  /** With the token in it; secret. */
  declare readonly jupyterUrl: pulumi.Output<string | undefined>;

  constructor(name: string, args: InstanceArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      ip: undefined,
      privateIp: undefined,
      instanceType: undefined,
      region: undefined,
      hourlyPriceUsd: undefined,
      gpus: undefined,
      vcpus: undefined,
      memoryGib: undefined,
      architecture: undefined,
      jupyterToken: undefined,
      jupyterUrl: undefined,
      schemaVersion: undefined,
    };
    const secrets = args.userData === undefined ? {} : { userData: pulumi.secret(args.userData) };
    const options = {
      additionalSecretOutputs: ["userData", "jupyterToken", "jupyterUrl"],
      // Diff says so too, but `pulumi up --replace` does not ask it.
      ...(args.replacement === "delete-first" ? { deleteBeforeReplace: true } : {}),
    };
    super(
      instanceProvider,
      name,
      { ...outputs, ...args, ...secrets },
      pulumi.mergeOptions(opts, options),
      "lambda",
      "Instance",
    );
  }
}
