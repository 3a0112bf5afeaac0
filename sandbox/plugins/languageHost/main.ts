import { Server, ServerCredentials } from "@grpc/grpc-js";
import { version } from "@pulumi/pulumi/package.json";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import { endChildren, languageRuntime } from "./service";

/** As the SDK: states and closures outgrow gRPC's 4 MB. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

const server = new Server({
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
});
server.addService(LanguageRuntimeService, languageRuntime(process.argv.at(-1) ?? "", version));

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(1));
}
process.once("exit", endChildren);

server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  // The CLI reads the port from the first line.
  console.log(String(port));
});
