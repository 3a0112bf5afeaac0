import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Properties } from "../propertyValues";
import { defineResource, type OperationContext, type Resource } from "../resource";
import { buildCommand, type ImageInputs, imageSchema, registrySchema } from "./buildArgs";
import { contextHash } from "./contextHash";
import { docker, withDocker } from "./docker";

const metadataSchema = z.looseObject({
  "containerimage.digest": z.string().optional(),
  "containerimage.config.digest": z.string().optional(),
});

/** The image by its first tag and its digest where it was pushed, else by what identifies it here. */
export function referenceOf(tags: readonly string[] | undefined, pushed: boolean, digest: string): string {
  const tag = tags?.[0];
  if (tag === undefined) return digest;
  return pushed && digest !== "" ? `${tag}@${digest}` : tag;
}

async function build(
  inputs: ImageInputs,
  context: OperationContext,
): Promise<Properties & { readonly digest: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "docker-build-"));
  try {
    const metadataFile = path.join(folder, "metadata.json");
    const hash = await contextHash(inputs);
    const { args, env, stdin } = buildCommand(inputs, metadataFile);
    await withDocker(inputs.registries ?? [], context, (login) =>
      docker({ args, env: { ...env, ...login }, stdin }, context),
    );
    const metadata = metadataSchema.parse(JSON.parse(await readFile(metadataFile, "utf8").catch(() => "{}")));
    const digest = metadata["containerimage.digest"] ?? metadata["containerimage.config.digest"] ?? "";
    return { contextHash: hash, digest, ref: referenceOf(inputs.tags, inputs.push, digest) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const image = defineResource({
  schema: imageSchema,
  outputs: ["contextHash", "digest", "ref"],
  replaceOnChanges: [],
  drift: async (inputs, state) =>
    (await contextHash(inputs)) === state["contextHash"] ? [] : ["contextHash"],
  create: async (inputs, context) => {
    const outputs = await build(inputs, context);
    return { id: outputs.digest === "" ? context.name : outputs.digest, outputs };
  },
  update: (inputs, _previous, context) => build(inputs, context),
});

const indexSchema = z.object({
  tag: z.string(),
  sources: z.array(z.string()).min(1),
  push: z.boolean().optional(),
  registry: registrySchema.optional(),
});

async function combine(inputs: z.output<typeof indexSchema>, context: OperationContext): Promise<Properties> {
  const { tag, sources, push = true, registry } = inputs;
  return withDocker(registry === undefined ? [] : [registry], context, async (env) => {
    const create = [
      "buildx",
      "imagetools",
      "create",
      "--tag",
      tag,
      ...(push ? [] : ["--dry-run"]),
      ...sources,
    ];
    await docker({ args: create, env }, context);
    if (!push) return { ref: tag };
    const inspect = ["buildx", "imagetools", "inspect", tag, "--format", "{{.Manifest.Digest}}"];
    const digest = (await docker({ args: inspect, env }, context)).trim();
    return { ref: referenceOf([tag], true, digest) };
  });
}

const index = defineResource({
  schema: indexSchema,
  outputs: ["ref"],
  replaceOnChanges: ["tag"],
  create: async (inputs, context) => ({ id: inputs.tag, outputs: await combine(inputs, context) }),
  update: (inputs, _previous, context) => combine(inputs, context),
});

/**
 * The docker-build provider over the `docker buildx` command line, by type token. Previews never build, and deleting
 * an image removes nothing from its registry. https://www.pulumi.com/registry/packages/docker-build/
 */
export const dockerBuildResources: Readonly<Record<string, Resource>> = {
  "docker-build:index:Image": image,
  "docker-build:index:Index": index,
};
