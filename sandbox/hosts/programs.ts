/** Answers for the programs the sandbox plays on an instance. */
import { nvidiaSmi } from "./nvidia";
import type { InstanceSnapshot } from "./instance";
import type { Reply } from "./requests";
import type { Systemd } from "./systemd";

/** What the answers depend on. */
export interface ProgramContext {
  readonly instance: InstanceSnapshot;
  readonly systemd: Systemd;
  /** Resolves when cloud-init is done: true if it succeeded. */
  readonly firstBoot: Promise<boolean>;
}

const TOOLKIT_VERSION = "1.18.0";
const DEFAULT_JOURNAL_LINES = 50;
/** Changes to a kernel, firewall or package set that instances don't have: accepted without effect. */
const WITHOUT_EFFECT = ["sysctl", "modprobe", "swapoff", "ufw", "iptables", "apt-get", "timedatectl"];

/** Answers one call. */
export async function answer(
  context: ProgramContext,
  program: string,
  args: readonly string[],
): Promise<Reply> {
  if (WITHOUT_EFFECT.includes(program)) return { code: 0 };
  switch (program) {
    case "systemctl":
      return context.systemd.systemctl(args);
    case "journalctl":
      return journalctl(context.systemd, args);
    case "nvidia-smi":
      return nvidiaSmi(context.instance, args);
    case "nvidia-ctk":
      return nvidiaCtk(args);
    case "cloud-init":
      return cloudInit(context.firstBoot, args);
    case "k3s":
      return k3s(args);
    default:
      return { code: 127, stderr: `${program}: not known to the sandbox` };
  }
}

/** Answers `journalctl -u <unit> [-n <lines>]`. */
function journalctl(systemd: Systemd, args: readonly string[]): Reply {
  const option = (short: string, long: string): string | undefined => {
    const at = args.findIndex((arg) => arg === long || new RegExp(`^-[a-z]*${short}$`).test(arg));
    return at < 0 ? args.find((arg) => arg.startsWith(`${long}=`))?.slice(long.length + 1) : args[at + 1];
  };
  const unit = option("u", "--unit");
  if (unit === undefined)
    return { code: 1, stderr: "journalctl: the sandbox keeps journals of units only; give -u." };
  const lines = Number(option("n", "--lines") ?? DEFAULT_JOURNAL_LINES);
  return {
    code: 0,
    stdout: systemd.journal(unit.includes(".") ? unit : `${unit}.service`, lines).join("\n"),
  };
}

function nvidiaCtk(args: readonly string[]): Reply {
  return {
    code: 0,
    stdout: args.includes("--version") ? `NVIDIA Container Toolkit CLI version ${TOOLKIT_VERSION}` : "",
  };
}

async function cloudInit(firstBoot: Promise<boolean>, args: readonly string[]): Promise<Reply> {
  if (args[0] !== "status") return { code: 2, stderr: `cloud-init: the sandbox knows only "status".` };
  const pending = args.includes("--wait") ? firstBoot : Promise.race([firstBoot, Promise.resolve(undefined)]);
  const succeeded = await pending;
  if (succeeded === undefined) return { code: 0, stdout: "status: running" };
  return succeeded ? { code: 0, stdout: "status: done" } : { code: 1, stdout: "status: error" };
}

/** The version comes first: the downloaded program passes its own. */
function k3s([version = "", command, ...rest]: readonly string[]): Reply {
  if (command === "--version" || command === "-v")
    return { code: 0, stdout: `k3s version ${version} (sandbox)` };
  if (command === "check-config") return { code: 0, stdout: "STATUS: pass" };
  if (command === "etcd-snapshot" || command === "secrets-encrypt" || command === "token") {
    return { code: 1, stderr: `k3s ${[command, ...rest].join(" ")}: the sandbox's etcd isn't k3s' own.` };
  }
  return { code: 1, stderr: `k3s: the sandbox starts k3s by systemctl only. Write a unit and start it.` };
}
