import { version } from "@pulumi/command/package.json";
import { serve } from "../serve";
import { localCommand } from "./local";
import { remoteCommand } from "./remote";

const resources = { "command:local:Command": localCommand, "command:remote:Command": remoteCommand };

void serve({ name: "command", version, resources }, process.argv.slice(2));
