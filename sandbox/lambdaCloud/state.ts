import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { writePrivate } from "../files";
import { initialCapacity } from "./catalogue";
import { faultRuleSchema } from "./faults";

const ruleSchema = z.object({
  protocol: z.enum(["tcp", "udp", "icmp", "all"]),
  port_range: z.tuple([z.int(), z.int()]).optional(),
  source_network: z.string(),
  description: z.string(),
});

const instanceRecordSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  /** Name of the instance type. */
  type: z.string(),
  region: z.string(),
  ip: z.string(),
  privateIp: z.string(),
  sshKeyName: z.string(),
  /** As they were at launch: a key deleted later still opens the instance. */
  sshPublicKeys: z.array(z.string()),
  mounts: z.array(z.object({ mount_point: z.string(), file_system_id: z.string() })),
  rulesetIds: z.array(z.string()),
  hostname: z.string(),
  userData: z.string().optional(),
  tags: z.array(z.object({ key: z.string(), value: z.string() })),
  /** Moments of virtual time, milliseconds. The status follows from them and from nothing else. */
  launchedAt: z.number(),
  activeAt: z.number(),
  /** Unhealthy from `activeAt` until then. */
  healthyAt: z.number(),
  /** Not in any list before then. */
  listedAt: z.number(),
  /** Booting again until then. */
  restartedUntil: z.number().optional(),
  preemptedAt: z.number().optional(),
  /** Gone without a word from then on. */
  vanishedAt: z.number().optional(),
  terminatedAt: z.number().optional(),
  stuck: z.boolean(),
  withoutIp: z.boolean(),
  withoutPrivateIp: z.boolean().default(false),
  /** The status and address that listeners were last told. */
  reported: z.string().default(""),
});

const stateSchema = z.object({
  /** When this was written. */
  origin: z.object({ real: z.number(), virtual: z.number() }),
  instances: z.array(instanceRecordSchema),
  sshKeys: z.array(z.object({ id: z.string(), name: z.string(), public_key: z.string() })),
  fileSystems: z.array(
    z.object({ id: z.string(), name: z.string(), region: z.string(), created: z.string() }),
  ),
  rulesets: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      region: z.string(),
      created: z.string(),
      rules: z.array(ruleSchema),
    }),
  ),
  globalRules: z.array(ruleSchema),
  /** How many there are in all, by type and region; what is launched is taken off when asked for. */
  capacity: z.record(z.string(), z.record(z.string(), z.number())),
  accountActive: z.boolean(),
  faults: z.array(faultRuleSchema),
  /** Index into the address pool. */
  nextAddress: z.int(),
});

/** Everything that the simulated account is, as it is kept between runs. */
export type CloudState = z.infer<typeof stateSchema>;
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;
export type FirewallRuleRecord = z.infer<typeof ruleSchema>;

/** A fresh account: no instance, no key, SSH and ping open to the world, as Lambda makes it. */
export function freshState(): CloudState {
  const open = { source_network: "0.0.0.0/0" };
  return {
    origin: { real: Date.now(), virtual: 0 },
    instances: [],
    sshKeys: [],
    fileSystems: [],
    rulesets: [],
    globalRules: [
      { protocol: "tcp", port_range: [22, 22], ...open, description: "Allow SSH from anywhere" },
      { protocol: "icmp", ...open, description: "Allow ping from anywhere" },
    ],
    capacity: initialCapacity(),
    accountActive: true,
    faults: [],
    nextAddress: 0,
  };
}

/** Reads the state of an earlier run, or makes a fresh one. */
export const loadState = (file: string): CloudState =>
  existsSync(file) ? stateSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : freshState();

/** Writes the state whole; only its owner reads it. */
export function saveState(file: string, state: CloudState): void {
  writePrivate(file, JSON.stringify(state));
}
