import * as pulumi from "@pulumi/pulumi";
import { fileSystemProvider } from "./provider";

/** Arguments of a {@link FileSystem}. */
export interface FileSystemArgs {
  /** Name in the account, 1 to 60 letters, digits and dashes, a letter first. A change replaces. */
  readonly name: string;
  /** It is mounted by instances of this region only. A change replaces. */
  readonly region: string;
  /** Id of a file system that exists already and is taken over instead of making one. @default - make one */
  readonly adopt?: string;
}

/**
 * A file system of one region (https://docs.lambda.ai/public-cloud/filesystems/), which outlives the instances that
 * mount it.
 *
 * **Danger**: replacing or deleting it deletes its data, so the engine refuses both as long as it is protected. It is,
 * unless the option `protect` is false.
 * **Cost**: by the GiB that it holds, mounted or not.
 */
export class FileSystem extends pulumi.dynamic.Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string>;
  /** Where instances mount it by default, `/lambda/nfs/<name>`. */
  declare readonly mountPoint: pulumi.Output<string>;

  constructor(name: string, args: FileSystemArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { mountPoint: undefined, schemaVersion: undefined };
    const options = pulumi.mergeOptions({ protect: true }, opts ?? {});
    super(fileSystemProvider, name, { ...outputs, ...args }, options, "lambda", "FileSystem");
  }
}
