import * as pulumi from "@pulumi/pulumi";
import { sshKeyProvider } from "./provider";

/** Arguments of an {@link SshKey}. */
export interface SshKeyArgs {
  /** Name in the account, 1 to 64 characters. A change replaces. */
  readonly name: string;
  /** OpenSSH public key. A change of anything but the comment replaces. */
  readonly publicKey: pulumi.Input<string>;
}

/**
 * An SSH key of the Lambda Cloud account (https://docs.lambda.ai/api/cloud: SSH keys). Instances get it at launch;
 * deleting it does not lock anyone out of instances that run.
 */
export class SshKey extends pulumi.dynamic.Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super(sshKeyProvider, name, { ...args }, opts, "lambda", "SshKey");
  }
}
