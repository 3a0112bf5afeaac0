import { version } from "@pulumi/random/package.json";
import { serve } from "../serve";
import { randomResources } from "./resources";

void serve({ name: "random", version, resources: randomResources }, process.argv.slice(2));
