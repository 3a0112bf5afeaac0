import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { mcpServerOverrideSchema, type McpServerOverride } from "../components/mcp/catalog";
import { didYouMean } from "../components/didYouMean";
import type { Problem } from "../components/problems";
import { zodProblems } from "../components/zodProblems";
import { secretSections, sections, type StackConfig } from "./configSchema";

export type { NodePool, StackConfig } from "./configSchema";

/** Settings as the engine hands them over, without the project's prefix: text, or JSON of a structured value. */
export type RawConfig = Readonly<Record<string, string>>;

function decode(text: string): unknown {
  if (!/^[[{"]|^(true|false|null|-?\d+(\.\d+)?)$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Parses every section by itself, so that a mistake in one hides none in another. */
export function parseConfig(raw: RawConfig): { config: Partial<StackConfig>; problems: Problem[] } {
  const problems: Problem[] = Object.keys(raw)
    .filter((key) => !(key in sections) && !(key in secretSections))
    .map((key) => ({
      path: key,
      what: "is not a known setting",
      fix: `Remove it (pulumi config rm ${key}), or look up its spelling in docs/configuration.md`,
    }));
  const config: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(sections)) {
    const value = raw[name] === undefined ? undefined : decode(raw[name]);
    const result = schema.safeParse(value);
    if (result.success) config[name] = result.data;
    else problems.push(...zodProblems(result.error, name, value));
  }
  for (const [name, schema] of Object.entries(secretSections)) {
    const text = raw[name];
    const result = schema.safeParse(text === undefined || name !== "secrets" ? text : decode(text));
    if (!result.success)
      problems.push(
        ...(text === undefined ? [missingSecret(name)] : zodProblems(result.error, name, text, true)),
      );
  }
  return { config, problems };
}

function missingSecret(name: string): Problem {
  return {
    path: name,
    what: "is missing",
    expected: "a secret",
    fix: `Set it with: pulumi config set --secret ${name}`,
  };
}

/** `[prefix/]name` as Kubernetes wants it, https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/. */
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const RESERVED_LABEL = /(^|\.)(kubernetes|k8s)\.io\//;

/** Labels with which a node would refuse to start, after its machine has been paid for. */
function labelProblems(nodes: StackConfig["nodes"]): Problem[] {
  return Object.entries(nodes).flatMap(([pool, { labels }]) =>
    Object.keys(labels)
      .filter((key) => !LABEL_KEY.test(key) || RESERVED_LABEL.test(key))
      .map((key) => ({
        path: `nodes.${pool}.labels`,
        what: RESERVED_LABEL.test(key)
          ? "a node may not give itself this label"
          : "the label's key is malformed",
        got: key,
        expected: "[prefix/]name, outside kubernetes.io and k8s.io",
        fix: "Use a prefix of your own, such as sophia-ai/",
      })),
  );
}

/** Pools that mount what there is not, or what no region of theirs can reach. */
function mountProblems({ nodes = {}, fileSystems = {} }: Partial<StackConfig>): Problem[] {
  return Object.entries(nodes).flatMap(([pool, { fileSystems: mounted, regions }]): Problem[] => {
    const path = `nodes.${pool}.fileSystems`;
    const unknown = mounted.filter((name) => fileSystems[name] === undefined);
    if (unknown.length > 0) {
      return unknown.map((name) => {
        const near = didYouMean(name, Object.keys(fileSystems));
        const fix = near === undefined ? "Add it to fileSystems" : `Did you mean ${JSON.stringify(near)}?`;
        return { path, what: "there is no such file system", got: name, fix };
      });
    }
    const homes = mounted.map((name) => fileSystems[name]?.region);
    if (regions.some((region) => homes.every((home) => home === region))) return [];
    return [
      {
        path,
        what: "no region of the pool has all of them",
        got: mounted.map((name) => `${name} in ${fileSystems[name]?.region ?? ""}`),
        expected: `file systems in one of ${regions.join(", ")}`,
        fix: "Add their region to the pool, or mount those of one region",
      },
    ];
  });
}

/** What is known only when sections are read together. */
export function crossCheck(config: Partial<StackConfig>, raw: RawConfig, env: NodeJS.ProcessEnv): Problem[] {
  const problems: Problem[] = [];
  const servers = Object.values(config.nodes ?? {}).reduce(
    (n, pool) => n + (pool.role === "server" ? pool.count : 0),
    0,
  );
  if (config.nodes !== undefined && servers !== 1) {
    problems.push({
      path: "nodes",
      what: "the number of server nodes is not supported",
      got: servers,
      expected: "exactly 1",
      fix: "Give one pool the role server and the count 1",
    });
  }
  problems.push(...labelProblems(config.nodes ?? {}));
  if (config.fileSystems !== undefined) problems.push(...mountProblems(config));
  if (!env.LAMBDA_LABS_API_KEY && !raw.lambdaApiKey) {
    problems.push({
      path: "lambdaApiKey",
      what: "there is no Lambda Cloud API key",
      expected: "LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey",
      fix: "Set it with: pulumi config set --secret lambdaApiKey",
    });
  }
  if (
    config.secretSource === "generated" &&
    config.environment !== undefined &&
    config.environment !== "local"
  ) {
    problems.push({
      path: "secretSource",
      what: "stand-in secrets are for local work only",
      got: "generated",
      expected: '"config"',
      fix: "Remove it",
    });
  }
  return problems;
}

/** Reads the stack's settings from the engine, without the project's prefix. */
export function readRawConfig(project = pulumi.getProject()): RawConfig {
  const prefix = `${project}:`;
  const all = pulumi.runtime.allConfig();
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

/** Names of the application secrets that the configuration holds; never their values. */
export function secretNames(raw: RawConfig): ReadonlySet<string> {
  const values = raw.secrets === undefined ? undefined : decode(raw.secrets);
  return new Set(typeof values === "object" && values !== null ? Object.keys(values) : []);
}

/** The entries of `mcp.servers` that have the right shape, whatever else is wrong in the section. */
export function wellFormedOverrides(raw: RawConfig): Record<string, McpServerOverride> {
  const section = z.object({ servers: z.record(z.string(), z.unknown()) }).safeParse(decode(raw.mcp ?? "{}"));
  return Object.fromEntries(
    Object.entries(section.data?.servers ?? {}).flatMap(([name, value]) => {
      const parsed = mcpServerOverrideSchema.safeParse(value);
      return parsed.success ? [[name, parsed.data]] : [];
    }),
  );
}
