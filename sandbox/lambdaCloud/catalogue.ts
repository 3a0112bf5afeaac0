/** What Lambda Cloud sells, as data: types with their sizes and prices, regions, images, and how much of each there is. */
import { createHash } from "node:crypto";
import type { Image, InstanceType, Region } from "../../components/lambda-cloud/schemas";

/** name, GPU, GPUs, vCPUs, memory GiB, disk GiB, cents an hour. */
type TypeRow = readonly [string, string, number, number, number, number, number];

const TYPES: readonly TypeRow[] = [
  ["cpu_4x_general", "N/A", 0, 4, 16, 100, 20],
  ["gpu_1x_rtx6000", "RTX 6000 (24 GB)", 1, 14, 46, 512, 69],
  ["gpu_1x_a10", "A10 (24 GB PCIe)", 1, 30, 200, 1400, 129],
  ["gpu_1x_a6000", "A6000 (48 GB)", 1, 14, 100, 200, 109],
  ["gpu_2x_a6000", "A6000 (48 GB)", 2, 28, 200, 1024, 218],
  ["gpu_4x_a6000", "A6000 (48 GB)", 4, 56, 400, 1024, 436],
  ["gpu_1x_a100", "A100 (40 GB PCIe)", 1, 30, 200, 512, 199],
  ["gpu_2x_a100", "A100 (40 GB PCIe)", 2, 60, 400, 1024, 398],
  ["gpu_4x_a100", "A100 (40 GB PCIe)", 4, 120, 800, 1024, 796],
  ["gpu_1x_a100_sxm4", "A100 (40 GB SXM4)", 1, 30, 200, 512, 199],
  ["gpu_8x_a100", "A100 (40 GB SXM4)", 8, 124, 1800, 6144, 1592],
  ["gpu_8x_a100_80gb_sxm4", "A100 (80 GB SXM4)", 8, 240, 1800, 20480, 2232],
  ["gpu_1x_gh200", "GH200 (96 GB)", 1, 64, 432, 4096, 229],
  ["gpu_1x_h100_pcie", "H100 (80 GB PCIe)", 1, 26, 200, 1024, 329],
  ["gpu_1x_h100_sxm5", "H100 (80 GB SXM5)", 1, 26, 225, 2816, 429],
  ["gpu_2x_h100_sxm5", "H100 (80 GB SXM5)", 2, 52, 450, 5632, 838],
  ["gpu_4x_h100_sxm5", "H100 (80 GB SXM5)", 4, 104, 900, 11264, 1636],
  ["gpu_8x_h100_sxm5", "H100 (80 GB SXM5)", 8, 208, 1800, 22528, 3192],
  ["gpu_8x_b200_sxm6", "B200 (180 GB SXM6)", 8, 208, 2900, 22528, 5352],
  ["gpu_8x_v100", "Tesla V100 (16 GB)", 8, 92, 448, 6041, 632],
];

const describe = ([, gpu, gpus, vcpus, memory]: TypeRow): string =>
  gpus === 0 ? `${vcpus}x CPU General (${memory} GiB)` : `${gpus}x ${gpu}`;

export const instanceTypes: Readonly<Record<string, InstanceType>> = Object.fromEntries(
  TYPES.map((row) => {
    const [name, gpu, gpus, vcpus, memory_gib, storage_gib, price_cents_per_hour] = row;
    const specs = { vcpus, memory_gib, storage_gib, gpus };
    return [name, { name, description: describe(row), gpu_description: gpu, price_cents_per_hour, specs }];
  }),
);

export const regions: Readonly<Record<string, Region>> = Object.fromEntries(
  Object.entries({
    "us-east-1": "Virginia, USA",
    "us-east-2": "Washington DC, USA",
    "us-east-3": "Washington DC, USA",
    "us-west-1": "California, USA",
    "us-west-2": "Arizona, USA",
    "us-west-3": "Utah, USA",
    "us-south-1": "Texas, USA",
    "us-south-2": "North Texas, USA",
    "us-south-3": "Central Texas, USA",
    "us-midwest-1": "Illinois, USA",
    "us-midwest-2": "Ohio, USA",
    "europe-central-1": "Germany",
    "asia-south-1": "India",
    "asia-northeast-1": "Osaka, Japan",
    "asia-northeast-2": "Tokyo, Japan",
    "australia-east-1": "Sydney, Australia",
    "me-west-1": "Israel",
  }).map(([name, description]) => [name, { name, description }]),
);

/** Families of images, the first one being what a launch gets that names none. */
const FAMILIES: readonly (readonly [
  family: string,
  title: string,
  version: string,
  ...Image["architecture"][],
])[] = [
  ["lambda-stack-24-04", "Lambda Stack 24.04", "24.4.4-2141", "x86_64", "arm64"],
  ["lambda-stack-22-04", "Lambda Stack 22.04", "22.4.5-1459", "x86_64", "arm64"],
  ["gpu-base-24-04", "GPU Base 24.04", "24.4.2-1459", "x86_64"],
  ["gpu-base-22-04", "GPU Base 22.04", "22.4.5-1459", "x86_64"],
  ["ubuntu-24-04", "Ubuntu Server 24.04", "24.4.2-1459", "x86_64"],
  ["ubuntu-22-04", "Ubuntu Server 22.04", "22.4.5-1459", "x86_64"],
];

const RELEASED = "2026-01-01T00:00:00.000Z";

/** One image for each family, architecture and region. */
export const images: readonly Image[] = FAMILIES.flatMap(([family, title, version, ...architectures]) =>
  architectures.flatMap((architecture) =>
    Object.values(regions).map((region) => ({
      id: uuidOf(`${family}/${architecture}/${region.name}`),
      created_time: RELEASED,
      updated_time: RELEASED,
      name: title,
      description: `${title} (${architecture})`,
      family,
      version,
      architecture,
      region,
    })),
  ),
);

/** The same text gives the same id in every run. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The processors of a type: Grace Hopper is the only one that is not Intel's or AMD's. */
export const architectureOfType = (type: string): Image["architecture"] =>
  type.includes("gh200") ? "arm64" : "x86_64";

/** How many more instances of a type each region holds at first; large machines are rare, as they are in life. */
export function initialCapacity(): Record<string, Record<string, number>> {
  const stocked = ["us-east-1", "us-west-1", "us-west-2", "us-south-1", "us-east-3"];
  return Object.fromEntries(
    TYPES.map(([name, , gpus]) => [
      name,
      Object.fromEntries(
        stocked.slice(0, gpus >= 8 ? 2 : stocked.length).map((region) => [region, gpus >= 8 ? 4 : 16]),
      ),
    ]),
  );
}

/** Seconds from launch to active: two minutes with one GPU or none, a quarter of an hour with eight. */
export function bootSeconds(gpus: number): number {
  if (gpus <= 1) return 120;
  return gpus >= 8 ? 900 : 120 + ((gpus - 1) * 780) / 7;
}
