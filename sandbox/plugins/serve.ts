import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { main } from "@pulumi/pulumi/provider";
import { makeProvider, type ProviderOptions } from "./provider";

/** Sends lines to the engine, which shows them beside the resource while it is worked on. */
export function engineLog(address: string | undefined): (urn: string, line: string) => void {
  if (address === undefined) return () => undefined;
  const engine = new EngineClient(address, credentials.createInsecure());
  return (urn, line) => {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setUrn(urn);
    request.setMessage(line);
    request.setEphemeral(true);
    // A line of progress that gets lost must not fail the resource.
    engine.log(request, () => undefined);
  };
}

/**
 * Runs a stand-in as a Pulumi plugin: prints its port, then answers the engine until it is ended.
 *
 * @param argv Arguments of the plugin's process; the last is the engine's address
 */
export async function serve(options: Omit<ProviderOptions, "log">, argv: readonly string[]): Promise<void> {
  await main(makeProvider({ ...options, log: engineLog(argv.at(-1)) }), [...argv]);
}
