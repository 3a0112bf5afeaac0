import * as pulumi from "@pulumi/pulumi";
import { ProblemReport } from "./components/problems";
import { readRawConfig } from "./stacks/config";
import { buildPlatform } from "./stacks/platform";
import { preflight } from "./stacks/preflight";

/** Reads the configuration, builds the platform, exports what its users need. */
export = async (): Promise<pulumi.Inputs> => {
  try {
    return buildPlatform(await preflight(pulumi.getStack(), readRawConfig()));
  } catch (error) {
    // A report is written for its reader: no stack trace.
    throw error instanceof ProblemReport ? new pulumi.RunError(error.message) : error;
  }
};
