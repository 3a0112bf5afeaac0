import path from "node:path";
import { z } from "zod";

/** Inputs of `docker-build:index:Image` and the command line of `docker buildx build` that they mean. */

const options = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.record(z.string(), z.string())]),
);
const texts = z.record(z.string(), z.string());

/** One cache or export: its kind with its settings, or the raw text for buildx. */
function choice<K extends string>(kinds: readonly K[]) {
  return z.strictObject({
    disabled: z.boolean().optional(),
    raw: z.string().optional(),
    ...(Object.fromEntries(kinds.map((kind) => [kind, options.optional()])) as Record<
      K,
      z.ZodOptional<typeof options>
    >),
  });
}

/** Credentials of a registry; they reach docker on its standard input. */
export const registrySchema = z.strictObject({
  address: z.string(),
  username: z.string().optional(),
  password: z.string().optional(),
});

// s3 and azblob are left out: their keys would have to be on the command line.
const CACHES = ["registry", "local", "inline", "gha"] as const;
const EXPORTS = ["registry", "image", "docker", "oci", "tar", "local", "cacheonly"] as const;

/** Upstream's inputs, without `exec` (always true here), `ignoreSecretsInDiffCalculation`, and s3 or azblob caches. */
export const imageSchema = z.object({
  push: z.boolean(),
  addHosts: z.array(z.string()).optional(),
  buildArgs: texts.optional(),
  /** Accepted and not acted on: a preview never builds here. */
  buildOnPreview: z.boolean().optional(),
  builder: z.strictObject({ name: z.string().optional() }).optional(),
  cacheFrom: z.array(choice(CACHES)).optional(),
  cacheTo: z.array(choice(CACHES)).optional(),
  context: z
    .strictObject({
      location: z.string(),
      named: z.record(z.string(), z.strictObject({ location: z.string() })).optional(),
    })
    .optional(),
  dockerfile: z.strictObject({ inline: z.string().optional(), location: z.string().optional() }).optional(),
  exports: z.array(choice(EXPORTS)).optional(),
  labels: texts.optional(),
  load: z.boolean().optional(),
  network: z.enum(["default", "host", "none"]).optional(),
  noCache: z.boolean().optional(),
  platforms: z.array(z.string()).optional(),
  pull: z.boolean().optional(),
  registries: z.array(registrySchema).optional(),
  secrets: texts.optional(),
  ssh: z.array(z.strictObject({ id: z.string(), paths: z.array(z.string()).optional() })).optional(),
  tags: z.array(z.string()).optional(),
  target: z.string().optional(),
});

export type ImageInputs = z.output<typeof imageSchema>;

/** What to run; secrets are in the environment, an inline Dockerfile on the standard input. */
export interface BuildCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
}

/** buildx's spelling of a setting: mostly the words joined by hyphens. */
function settingName(name: string): string {
  if (name === "names") return "name";
  if (name === "ociMediaTypes") return "oci-mediatypes";
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** One setting as `name=value`, quoted as CSV where needed. */
function setting(name: string, value: z.output<typeof options>[string]): string[] {
  const plain = typeof value === "object" && !Array.isArray(value);
  const pairs = plain
    ? Object.entries(value).map(([key, text]) => `annotation.${key}=${text}`)
    : [`${settingName(name)}=${String(value)}`];
  return pairs.map((pair) => (/[",]/.test(pair) ? `"${pair.replaceAll('"', '""')}"` : pair));
}

type Choice = Readonly<Record<string, string | boolean | z.output<typeof options> | undefined>>;

/** A cache or an export as buildx takes it: `type=registry,ref=…`. */
function choiceArgs(flag: string, choices: readonly Choice[] | undefined): string[] {
  return (choices ?? [])
    .filter((one) => one["disabled"] !== true)
    .flatMap(({ raw, ...kinds }) => {
      if (typeof raw === "string") return [flag, raw];
      return Object.entries(kinds).flatMap(([kind, values]) =>
        typeof values === "object"
          ? [flag, [`type=${kind}`, ...Object.entries(values).flatMap(([k, v]) => setting(k, v))].join(",")]
          : [],
      );
    });
}

const each = (flag: string, values: readonly string[] | undefined): string[] =>
  (values ?? []).flatMap((value) => [flag, value]);

const pairs = (record: Readonly<Record<string, string>> | undefined): string[] =>
  Object.entries(record ?? {}).map(([key, value]) => `${key}=${value}`);

const only = (flag: string, wanted: boolean | undefined): string[] => (wanted === true ? [flag] : []);

/** Where the Dockerfile is: standard input when inline, else the path given, else `Dockerfile` in a local context. */
export function dockerfileOf({ dockerfile, context }: ImageInputs): string {
  if (dockerfile?.inline !== undefined) return "-";
  return dockerfile?.location ?? path.posix.join(context?.location ?? ".", "Dockerfile");
}

/** True for a context that buildx fetches itself. */
export const isRemote = (location: string): boolean =>
  /^(https?:|git@|git:|ssh:|docker-image:)/.test(location);

/**
 * The command line of a build.
 *
 * @param metadataFile Where buildx is to write the image's digest
 */
export function buildCommand(inputs: ImageInputs, metadataFile: string): BuildCommand {
  const location = inputs.context?.location ?? ".";
  const file = isRemote(location) ? inputs.dockerfile?.location : dockerfileOf(inputs);
  const secrets = Object.entries(inputs.secrets ?? {});
  const args = [
    ...["buildx", "build", "--progress", "plain", "--metadata-file", metadataFile],
    ...each("--builder", inputs.builder?.name === undefined ? [] : [inputs.builder.name]),
    ...each("--file", inputs.dockerfile?.inline !== undefined ? ["-"] : file === undefined ? [] : [file]),
    ...each("--tag", inputs.tags),
    ...each("--platform", inputs.platforms?.length ? [inputs.platforms.join(",")] : []),
    ...each("--build-arg", pairs(inputs.buildArgs)),
    ...each("--label", pairs(inputs.labels)),
    ...each("--target", inputs.target === undefined ? [] : [inputs.target]),
    ...each("--network", inputs.network === undefined ? [] : [inputs.network]),
    ...each("--add-host", inputs.addHosts),
    ...each(
      "--build-context",
      pairs(Object.fromEntries(Object.entries(inputs.context?.named ?? {}).map(([k, v]) => [k, v.location]))),
    ),
    ...choiceArgs("--cache-from", inputs.cacheFrom),
    ...choiceArgs("--cache-to", inputs.cacheTo),
    ...choiceArgs("--output", inputs.exports),
    ...secrets.flatMap(([id], index) => ["--secret", `id=${id},env=${secretVariable(index)}`]),
    ...(inputs.ssh ?? []).flatMap(({ id, paths }) => [
      "--ssh",
      [id, paths?.join(",")].filter(Boolean).join("="),
    ]),
    ...only("--push", inputs.push),
    ...only("--load", inputs.load),
    ...only("--no-cache", inputs.noCache),
    ...only("--pull", inputs.pull),
    location,
  ];
  const env = Object.fromEntries(secrets.map(([, value], index) => [secretVariable(index), value]));
  return { args, env, stdin: inputs.dockerfile?.inline };
}

const secretVariable = (index: number): string => `SOPHIA_BUILD_SECRET_${index}`;
