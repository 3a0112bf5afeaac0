/**
 * cloud-init of an instance: the few modules a launch may call for.
 * @see https://cloudinit.readthedocs.io/en/latest/reference/modules.html
 */
import { parse } from "yaml";
import { z } from "zod";

const schema = z.looseObject({
  ssh_keys: z.object({ ed25519_private: z.string().optional() }).optional(),
  ssh_authorized_keys: z.array(z.string()).default([]),
  write_files: z
    .array(
      z.object({
        path: z.string(),
        content: z.string().default(""),
        encoding: z.enum(["b64", "base64", "text/plain"]).optional(),
        permissions: z.string().default("0644"),
      }),
    )
    .default([]),
  runcmd: z.array(z.union([z.string(), z.array(z.string())])).default([]),
});

/** What cloud-init does at an instance's first boot. */
export interface FirstBoot {
  /** The SSH host key, in OpenSSH's form. @default - the instance makes one */
  readonly hostKey: string | undefined;
  readonly authorizedKeys: readonly string[];
  readonly files: readonly { readonly path: string; readonly content: string; readonly mode: number }[];
  /** Run by bash as root, after the files are written; empty if there is nothing to run. */
  readonly script: string;
}

const NOTHING: FirstBoot = { hostKey: undefined, authorizedKeys: [], files: [], script: "" };

const quote = (word: string): string => `'${word.replace(/'/g, `'\\''`)}'`;

/**
 * Reads user data: a script (`#!…`) or a `#cloud-config`; cloud-init ignores everything else.
 * @throws ZodError for a cloud-config whose known parts are malformed
 */
export function parseUserData(userData: string | undefined): FirstBoot {
  if (userData === undefined || userData.trim() === "") return NOTHING;
  if (userData.startsWith("#!")) return { ...NOTHING, script: userData };
  if (!userData.startsWith("#cloud-config")) return NOTHING;
  const config = schema.parse(parse(userData) ?? {});
  return {
    hostKey: config.ssh_keys?.ed25519_private,
    authorizedKeys: config.ssh_authorized_keys,
    files: config.write_files.map(({ path, content, encoding, permissions }) => ({
      path,
      content:
        encoding === "b64" || encoding === "base64" ? Buffer.from(content, "base64").toString() : content,
      mode: Number.parseInt(permissions, 8),
    })),
    script: config.runcmd
      .map((command) => (typeof command === "string" ? command : command.map(quote).join(" ")))
      .join("\n"),
  };
}
