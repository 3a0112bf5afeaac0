import { version } from "@pulumi/docker-build/package.json";
import { serve } from "../serve";
import { dockerBuildResources } from "./resources";

void serve({ name: "docker-build", version, resources: dockerBuildResources }, process.argv.slice(2));
