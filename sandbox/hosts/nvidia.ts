/** nvidia-smi of an instance: its GPUs as the instance type describes them. */
import { createHash } from "node:crypto";
import type { InstanceSnapshot } from "./instance";
import type { Reply } from "./requests";

/** The driver Lambda's image brings. */
export const DRIVER_VERSION = "570.195.03";

interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly uuid: string;
  readonly memoryMib: number;
}

/** The GPUs of an instance; the same ids at each call. */
export function gpusOf({ id, gpus, gpuDescription }: InstanceSnapshot): Gpu[] {
  const name = `NVIDIA ${gpuDescription.replace(/\s*\(.*$/, "")}`;
  const memoryGb = Number(/(\d+)\s*GB/.exec(gpuDescription)?.[1] ?? "24");
  return Array.from({ length: gpus }, (_, index) => {
    const hex = createHash("sha256").update(`${id}/${index}`).digest("hex");
    const uuid = [0, 8, 12, 16, 20].map((from, at) => hex.slice(from, [8, 12, 16, 20, 32][at])).join("-");
    return { index, name, uuid: `GPU-${uuid}`, memoryMib: memoryGb * 1024 };
  });
}

const FIELDS: Readonly<Record<string, (gpu: Gpu, units: boolean) => string>> = {
  index: ({ index }) => String(index),
  name: ({ name }) => name,
  gpu_name: ({ name }) => name,
  uuid: ({ uuid }) => uuid,
  gpu_uuid: ({ uuid }) => uuid,
  count: () => "1",
  driver_version: () => DRIVER_VERSION,
  "memory.total": ({ memoryMib }, units) => `${memoryMib}${units ? " MiB" : ""}`,
  "memory.used": (_, units) => `0${units ? " MiB" : ""}`,
  "memory.free": ({ memoryMib }, units) => `${memoryMib}${units ? " MiB" : ""}`,
  "utilization.gpu": (_, units) => `0${units ? " %" : ""}`,
  "mig.mode.current": () => "Disabled",
};

/** Answers `nvidia-smi`, `nvidia-smi -L` and `nvidia-smi --query-gpu=… --format=csv[,noheader][,nounits]`. */
export function nvidiaSmi(instance: InstanceSnapshot, args: readonly string[]): Reply {
  const gpus = gpusOf(instance);
  if (gpus.length === 0) {
    return {
      code: 9,
      stdout: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    };
  }
  const query = args.find((arg) => arg.startsWith("--query-gpu="));
  if (query !== undefined) return answerQuery(gpus, query.slice("--query-gpu=".length), args);
  if (args.length === 0 || args[0] === "-L" || args[0] === "--list-gpus") {
    return {
      code: 0,
      stdout: gpus.map(({ index, name, uuid }) => `GPU ${index}: ${name} (UUID: ${uuid})`).join("\n"),
    };
  }
  // Persistence mode, MIG mode and the like: accepted, without effect.
  if (/^-(pm|mig|i|r|e)$/.test(args[0] ?? "")) return { code: 0, stdout: "All done." };
  return { code: 2, stderr: `Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.` };
}

function answerQuery(gpus: readonly Gpu[], query: string, args: readonly string[]): Reply {
  const format =
    args
      .find((arg) => arg.startsWith("--format="))
      ?.slice("--format=".length)
      .split(",") ?? [];
  const names = query.split(",");
  const unknown = names.find((name) => FIELDS[name] === undefined);
  if (unknown !== undefined) return { code: 2, stdout: `Field "${unknown}" is not a valid field to query.` };
  const rows = gpus.map((gpu) =>
    names.map((name) => FIELDS[name]?.(gpu, !format.includes("nounits"))).join(", "),
  );
  return {
    code: 0,
    stdout: [...(format.includes("noheader") ? [] : [names.join(", ")]), ...rows].join("\n"),
  };
}
