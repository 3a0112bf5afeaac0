/**
 * The wire format of the Lambda Cloud API (https://docs.lambda.ai/api/cloud), as far as we use it.
 *
 * Replies are loose: the API adds fields without a new version, and leaves optional ones out or sends null.
 * Requests are strict and carry every documented limit, because each refused launch costs 12 seconds.
 */
import { z } from "zod";

/** Longest name of an instance, SSH key or firewall ruleset, characters. */
export const MAX_NAME_LENGTH = 64;
/** Longest name of a file system, characters. */
export const MAX_FILE_SYSTEM_NAME_LENGTH = 60;
/** Longest description of a firewall rule, characters. */
export const MAX_DESCRIPTION_LENGTH = 128;
/** Longest value of a tag, characters. */
export const MAX_TAG_VALUE_LENGTH = 128;
/** Most bytes of `user_data`. */
export const MAX_USER_DATA_BYTES = 1_000_000;

const name = z.string().max(MAX_NAME_LENGTH);
const requiredName = name.min(1);

/** A region: `us-east-1`, "Virginia, USA". The set changes without notice, so it is never a fixed list. */
export const regionSchema = z.looseObject({ name: z.string(), description: z.string() });
export type Region = z.infer<typeof regionSchema>;

/** Processor architecture as images and (in later replies) instance types name it. */
export const architectureSchema = z.enum(["x86_64", "arm64"]);

export const instanceTypeSchema = z.looseObject({
  name: z.string(),
  description: z.string(),
  gpu_description: z.string(),
  price_cents_per_hour: z.int(),
  specs: z.looseObject({ vcpus: z.int(), memory_gib: z.int(), storage_gib: z.int(), gpus: z.int() }),
  /** Only in later replies; see `architectureOf` for types without it. */
  architecture: z.string().nullish(),
});
export type InstanceType = z.infer<typeof instanceTypeSchema>;

/** One entry of `GET /instance-types`. Types without capacity are listed with no region. */
export const instanceTypeEntrySchema = z.looseObject({
  instance_type: instanceTypeSchema,
  regions_with_capacity_available: z.array(regionSchema),
});
export type InstanceTypeEntry = z.infer<typeof instanceTypeEntrySchema>;

/** `GET /instance-types`: entries by the type's name. */
export const instanceTypesSchema = z.record(z.string(), instanceTypeEntrySchema);
export type InstanceTypes = z.infer<typeof instanceTypesSchema>;

/** Every state an instance can be in. `preempted` is documented, though no such product is sold. */
export const instanceStatuses = [
  "booting",
  "active",
  "unhealthy",
  "terminating",
  "terminated",
  "preempted",
] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

export const tagSchema = z.looseObject({ key: z.string(), value: z.string() });
export type Tag = z.infer<typeof tagSchema>;

/** Whether one operation can be done now. `terminate` works while booting, whatever this says. */
export const actionSchema = z.looseObject({
  available: z.boolean(),
  reason_code: z.string().nullish(),
  reason_description: z.string().nullish(),
});

export const instanceSchema = z.looseObject({
  /** 32 hexadecimal digits. */
  id: z.string().min(1),
  name: z.string().nullish(),
  /** Public IPv4 address; absent for the first half minute or longer. */
  ip: z.string().nullish(),
  /** Not every region gives one. */
  private_ip: z.string().nullish(),
  status: z.enum(instanceStatuses),
  ssh_key_names: z.array(z.string()),
  file_system_names: z.array(z.string()),
  file_system_mounts: z
    .array(z.looseObject({ mount_point: z.string(), file_system_id: z.string() }))
    .nullish(),
  region: regionSchema,
  instance_type: instanceTypeSchema,
  hostname: z.string().nullish(),
  /** A password for the instance, in every reply. Never stored, never shown. */
  jupyter_token: z.string().nullish(),
  jupyter_url: z.string().nullish(),
  actions: z.record(z.string(), actionSchema).nullish(),
  tags: z.array(tagSchema).nullish(),
  firewall_rulesets: z.array(z.looseObject({ id: z.string() })).nullish(),
});
export type Instance = z.infer<typeof instanceSchema>;

/** Whether it runs, or is about to; from the other states none comes back. */
export const isAlive = ({ status }: { readonly status: string }): boolean =>
  ["booting", "active", "unhealthy"].includes(status);

export const sshKeySchema = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  public_key: z.string(),
});
export type SshKey = z.infer<typeof sshKeySchema>;

/** `POST /ssh-keys` without a public key answers with the private half, once. */
export const generatedSshKeySchema = sshKeySchema.extend({ private_key: z.string().nullish() });
export type GeneratedSshKey = z.infer<typeof generatedSshKeySchema>;

export const fileSystemSchema = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  mount_point: z.string(),
  created: z.string(),
  is_in_use: z.boolean(),
  region: regionSchema,
  bytes_used: z.int().nullish(),
});
export type FileSystem = z.infer<typeof fileSystemSchema>;

export const firewallRuleSchema = z.looseObject({
  protocol: z.string(),
  /** Inclusive `[from, to]`; absent for icmp. */
  port_range: z.tuple([z.int(), z.int()]).nullish(),
  source_network: z.string(),
  description: z.string(),
});
export type FirewallRule = z.infer<typeof firewallRuleSchema>;

export const firewallRulesetSchema = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  region: regionSchema,
  rules: z.array(firewallRuleSchema),
  created: z.string(),
  instance_ids: z.array(z.string()),
});
export type FirewallRuleset = z.infer<typeof firewallRulesetSchema>;

/** What any ruleset has, the global one too. */
export const firewallRulesSchema = z.looseObject({ rules: z.array(firewallRuleSchema) });

/** One image: there is one for each version, region and architecture of a family. */
export const imageSchema = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  description: z.string(),
  family: z.string(),
  version: z.string(),
  architecture: architectureSchema,
  region: regionSchema,
});
export type Image = z.infer<typeof imageSchema>;

export const launchReplySchema = z.looseObject({ instance_ids: z.array(z.string().min(1)).min(1) });
export const terminateReplySchema = z.looseObject({ terminated_instances: z.array(instanceSchema) });
export const emptyReplySchema = z.looseObject({});

/** Every error code of the API with the HTTP statuses it comes with. Upstream faults add `provider/…` codes. */
export const errorStatuses = {
  "global/invalid-api-key": [401],
  "global/account-inactive": [403],
  "global/forbidden": [403],
  "global/invalid-address": [403],
  "global/invalid-parameters": [400],
  "global/object-does-not-exist": [404, 400],
  "global/not-found": [404],
  "global/duplicate": [400],
  "global/quota-exceeded": [400],
  "global/conflict": [409],
  "global/internal-error": [500, 409],
  "global/unknown": [400],
  "instance-operations/launch/insufficient-capacity": [400],
  "instance-operations/launch/file-system-in-wrong-region": [400],
  "filesystems/filesystem-in-use": [400],
  "firewall-rulesets/firewall-ruleset-in-use": [400],
} as const;
export type ErrorCode = keyof typeof errorStatuses;

/** `{"error":{…}}`: the body of every refusal that comes from the API itself rather than from its front. */
export const errorReplySchema = z.looseObject({
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    suggestion: z.string().nullish(),
  }),
});
export type ErrorReply = z.infer<typeof errorReplySchema>;

/** The envelope of every success: `{"data":…}`, and in paged lists the token of the next page. */
export const dataOf = <T extends z.ZodType>(data: T) =>
  z.looseObject({ data, page_token: z.string().nullish() });

/** What the API takes as a host name. */
export const HOSTNAME = /^[a-z0-9][0-9a-z-]{0,62}$/;
/** What the API takes as a tag's key. */
export const TAG_KEY = /^(?!lambda-ai-)[a-z][a-z0-9-:]{1,54}$/;

export const hostnameSchema = z
  .string()
  .regex(HOSTNAME, "1 to 63 lower-case letters, digits and dashes, not starting with a dash");

export const tagKeySchema = z
  .string()
  .regex(
    TAG_KEY,
    "2 to 55 lower-case letters, digits, dashes and colons, starting with a letter and not with lambda-ai-",
  );
export const tagValueSchema = z.string().max(MAX_TAG_VALUE_LENGTH);

/** What the API takes as a file system's name. */
export const FILE_SYSTEM_NAME = /^[a-zA-Z]+[0-9a-zA-Z-]*$/;
/** Where the API mounts file systems. */
export const MOUNT_POINT = /^(\/home|\/lambda\/nfs|\/data)[/a-zA-Z0-9-]*$/;

export const imageSpecificationSchema = z.union([
  z.strictObject({ family: z.string().min(1) }),
  z.strictObject({ id: z.string().min(1) }),
]);
export type ImageSpecification = z.infer<typeof imageSpecificationSchema>;

export const userDataSchema = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_USER_DATA_BYTES, "at most 1,000,000 bytes");

/** `POST /instance-operations/launch`. There is no idempotency token: see `instance.ts` for what we do instead. */
export const launchRequestSchema = z.strictObject({
  region_name: z.string().min(1),
  instance_type_name: z.string().min(1),
  ssh_key_names: z.array(z.string().min(1)).length(1),
  file_system_names: z.array(z.string().min(1)).optional(),
  file_system_mounts: z
    .array(
      z.strictObject({
        mount_point: z.string().max(256).regex(MOUNT_POINT, "a path below /home, /lambda/nfs or /data"),
        file_system_id: z.string().min(1),
      }),
    )
    .optional(),
  hostname: hostnameSchema.optional(),
  name: name.optional(),
  image: imageSpecificationSchema.optional(),
  user_data: userDataSchema.optional(),
  tags: z.array(z.strictObject({ key: tagKeySchema, value: tagValueSchema })).optional(),
  firewall_rulesets: z.array(z.strictObject({ id: z.string().min(1) })).optional(),
});
export type LaunchRequest = z.infer<typeof launchRequestSchema>;

/** `POST /instances/{id}`: only the name can change in place. */
export const renameRequestSchema = z.strictObject({ name });

/** `POST /instance-operations/terminate`. */
export const terminateRequestSchema = z.strictObject({ instance_ids: z.array(z.string().min(1)).min(1) });

/** `POST /ssh-keys`. Without `public_key` the API makes a pair. */
export const addSshKeyRequestSchema = z.strictObject({
  name: requiredName,
  public_key: z.string().min(1).max(4096).optional(),
});

/** `POST /filesystems` (the list is at `/file-systems`). */
export const createFileSystemRequestSchema = z.strictObject({
  name: z
    .string()
    .max(MAX_FILE_SYSTEM_NAME_LENGTH)
    .regex(FILE_SYSTEM_NAME, "a letter, then letters, digits and dashes"),
  region: z.string().min(1),
});

const port = z.int().min(1).max(65535);
export const firewallRuleRequestSchema = z.strictObject({
  protocol: z.enum(["tcp", "udp", "icmp", "all"]),
  port_range: z.tuple([port, port]).optional(),
  source_network: z.string().min(1),
  description: z.string().max(MAX_DESCRIPTION_LENGTH),
});
export type FirewallRuleRequest = z.infer<typeof firewallRuleRequestSchema>;

/** `POST /firewall-rulesets`. */
export const createFirewallRulesetRequestSchema = z.strictObject({
  name,
  region: z.string().min(1),
  rules: z.array(firewallRuleRequestSchema),
});

export type CreateFirewallRulesetRequest = z.infer<typeof createFirewallRulesetRequestSchema>;

/** `PATCH /firewall-rulesets/{id}`: rules are replaced as a whole. */
export const updateFirewallRulesetRequestSchema = z.strictObject({
  name: name.optional(),
  rules: z.array(firewallRuleRequestSchema).optional(),
});
