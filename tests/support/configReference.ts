/** Generates the reference pages of docs/ from the schemas and the catalog: `npm run docs`. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { resolveServer } from "../../components/mcp/catalog";
import { repoRoot } from "../../sandbox/paths";
import { secretSections, sections } from "../../stacks/configSchema";
import { mcpCatalog } from "../../stacks/mcpCatalog";

/** The part of JSON Schema that zod writes for our schemas. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

const LARGEST = Number.MAX_SAFE_INTEGER;

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(" or ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type !== undefined && typeof schema.type !== "string") return schema.type.join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type !== "integer") return schema.type === "object" ? "map" : (schema.type ?? "any");
  const { minimum = -LARGEST, maximum = LARGEST } = schema;
  if (minimum > -LARGEST && maximum < LARGEST) return `integer, ${minimum} to ${maximum}`;
  return minimum > -LARGEST ? `integer, at least ${minimum}` : "integer";
}

function rowsOf(at: string, schema: Schema, required: boolean): Row[] {
  const entries = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const nested = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
      rowsOf(`${at}.${name}`, child, schema.required?.includes(name) === true && child.default === undefined),
    ),
    ...(entries?.properties === undefined ? [] : rowsOf(`${at}.<name>`, entries, false)),
  ];
  const own = {
    path: at,
    type: typeOf(schema),
    fallback: required ? "required" : schema.default === undefined ? "" : code(schema.default),
    meaning: schema.description ?? "",
  };
  const isGroup = schema.properties !== undefined;
  return [...(isGroup && own.meaning === "" ? [] : [isGroup ? { ...own, fallback: "" } : own]), ...nested];
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

function section(name: string, schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema;
  const optional = schema.safeParse(undefined).success;
  const rows = rowsOf(name, json, !optional);
  return table(
    ["setting", "type", "default", "meaning"],
    rows.map(({ path: at, type, fallback, meaning }) => [code(at), type, fallback, meaning]),
  );
}

/** docs/configuration.md */
export function configurationPage(): string {
  const part = (entries: Readonly<Record<string, z.ZodType>>): string =>
    Object.entries(entries)
      .map(([name, schema]) => `### ${name}\n\n${section(name, schema)}`)
      .join("\n\n");
  return `# Configuration

Generated from stacks/configSchema.ts by \`npm run docs\`; do not edit.

Settings stand in \`Pulumi.<stack>.yaml\` with the prefix \`sophia-ai:\`, or come from the stack's ESC environment. A stack's
file holds only what differs from the defaults. All mistakes are reported together before anything is touched.

## Settings

${part(sections)}

## Secrets

Set with \`pulumi config set --secret\`, or by the stack's ESC environment; never in clear in a file.

${part(secretSections)}
`;
}

/** docs/mcp-servers.md */
export function mcpServersPage(): string {
  const servers = Object.entries(mcpCatalog).map(([name, row]) => resolveServer(name, row));
  const rows = servers.map((s) => [
    code(s.name),
    s.category,
    s.description,
    s.enabled ? "yes" : "no",
    s.transport,
    String(s.port),
    `${s.resources.requests.cpu} / ${s.resources.requests.memory} to ${s.resources.limits.cpu} / ${s.resources.limits.memory}`,
    [...s.needs.databases, ...s.needs.servers].join(", "),
    s.secrets.map(code).join(", "),
  ]);
  const enabled = servers.filter((s) => s.enabled).length;
  return `# MCP servers

Generated from stacks/mcpCatalog by \`npm run docs\`; do not edit.

${servers.length} servers, ${enabled} of them enabled unless a stack says otherwise. Each answers at \`/mcp/<name>\` of the gateway, with dashes
for underscores, and its Kubernetes objects are called \`sophia-mcp-<name>\`.

${table(["server", "category", "what it does", "enabled", "transport", "port", "CPU / memory", "needs", "secrets"], rows)}
`;
}

/** Prettier as a process of its own: it is a module of a kind that jest cannot load. */
function formatted(file: string, text: string): string {
  const prettier = path.join(repoRoot, "node_modules", ".bin", "prettier");
  return execFileSync(prettier, ["--stdin-filepath", file], { cwd: repoRoot, input: text, encoding: "utf8" });
}

/** Every generated page by its path. */
export function generatedPages(): Record<string, string> {
  const pages = { "docs/configuration.md": configurationPage(), "docs/mcp-servers.md": mcpServersPage() };
  return Object.fromEntries(Object.entries(pages).map(([file, text]) => [file, formatted(file, text)]));
}

if (require.main === module) {
  for (const [file, text] of Object.entries(generatedPages())) {
    writeFileSync(path.join(repoRoot, file), text);
    console.log(file);
  }
}
