import * as pulumi from "@pulumi/pulumi";
import { sshKeyProvider } from "./provider";

/** Arguments of an {@link SshKey}. */
export interface SshKeyArgs {
  /** Name in the account, 1 to 64 characters. A change replaces. */
  readonly name: string;
  /**
   * OpenSSH public key. A change of anything but the comment replaces. @default - Lambda makes a pair, and
   * `privateKey` is its private half
   */
  readonly publicKey?: pulumi.Input<string>;
  /** Id of a key that exists already and is taken over instead of adding one. @default - add */
  readonly adopt?: string;
}

/**
 * An SSH key of the Lambda Cloud account (https://docs.lambda.ai/api/cloud: SSH keys). Instances get it at launch;
 * deleting it does not lock anyone out of instances that run.
 */
export class SshKey extends pulumi.dynamic.Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;
  /** Only of a pair that Lambda made; secret. */
  declare readonly privateKey: pulumi.Output<string | undefined>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    const options = { additionalSecretOutputs: ["privateKey"] };
    const props = { privateKey: undefined, publicKey: undefined, ...args };
    super(sshKeyProvider, name, props, pulumi.mergeOptions(opts, options), "lambda", "SshKey");
  }
}
