import { errorFromAnswer } from "../../../components/lambda-cloud/errors";
import type { InstanceContext } from "../../../components/lambda-cloud/instance";
import type { InstanceInputs } from "../../../components/lambda-cloud/instancePlan";
import type {
  Instance,
  InstanceStatus,
  InstanceType,
  InstanceTypes,
  LaunchRequest,
} from "../../../components/lambda-cloud/schemas";
import { VirtualClock } from "./virtualClock";

const EAST = { name: "us-east-1", description: "Virginia, USA" };

export function instanceType(name: string, gpus = 1, extra: Partial<InstanceType> = {}): InstanceType {
  return {
    name,
    description: name,
    gpu_description: "GPU",
    price_cents_per_hour: 129 * gpus,
    specs: { vcpus: 30, memory_gib: 200, storage_gib: 1400, gpus },
    ...extra,
  };
}

export const ambiguous = () => errorFromAnswer("POST /instance-operations/launch", 502, "<html>");
export const refused = (code: string, status = 400) =>
  errorFromAnswer("POST /instance-operations/launch", status, { error: { code, message: "No." } });

/** What a launch does: how it answers, and what it makes. */
type LaunchBehaviour = (launch: () => string) => string[];

/** An account in memory, with the methods of the client that the handlers use. */
export class FakeCloud {
  readonly instances = new Map<string, Instance>();
  /** Every write, in order. */
  readonly log: string[] = [];
  /** Status and address of new instances. */
  born: { status: InstanceStatus; ip?: string } = { status: "active", ip: "198.51.100.2" };
  /** Behaviour of the launches to come, in order; afterwards every launch succeeds. */
  launches: LaunchBehaviour[] = [];
  types: InstanceTypes = {
    gpu_1x_a10: { instance_type: instanceType("gpu_1x_a10"), regions_with_capacity_available: [EAST] },
    gpu_8x_a100: { instance_type: instanceType("gpu_8x_a100", 8), regions_with_capacity_available: [EAST] },
  };

  alive(): string[] {
    return [...this.instances.values()].filter((i) => i.status !== "terminated").map((i) => i.id);
  }

  make(request: Partial<LaunchRequest> & { name: string }, extra: Partial<Instance> = {}): string {
    const id = `i-${this.instances.size + 1}`;
    this.instances.set(id, {
      id,
      name: request.name,
      ...this.born,
      ssh_key_names: request.ssh_key_names ?? ["key"],
      file_system_names: request.file_system_names ?? [],
      region: { name: request.region_name ?? EAST.name, description: "" },
      instance_type: instanceType(
        request.instance_type_name ?? "gpu_1x_a10",
        request.instance_type_name === "gpu_8x_a100" ? 8 : 1,
      ),
      tags: request.tags ?? [],
      ...extra,
    });
    return id;
  }

  listInstances = (): Promise<Instance[]> => Promise.resolve([...this.instances.values()]);
  getInstance = (id: string): Promise<Instance | undefined> => Promise.resolve(this.instances.get(id));
  listInstanceTypes = (): Promise<InstanceTypes> => Promise.resolve(this.types);

  launch = async (request: LaunchRequest): Promise<string[]> => {
    this.log.push(`launch ${request.instance_type_name} in ${request.region_name}`);
    const launch = (): string => this.make({ ...request, name: request.name ?? "" });
    const behaviour = this.launches.shift() ?? ((go) => [go()]);
    return Promise.resolve(behaviour(launch));
  };

  terminate = (id: string): Promise<void> => {
    this.log.push(`terminate ${id}`);
    this.patch(id, { status: "terminated" });
    return Promise.resolve();
  };

  renameInstance = (id: string, name: string): Promise<Instance> => {
    this.log.push(`rename ${id} to ${name}`);
    return Promise.resolve(this.patch(id, { name }));
  };

  patch(id: string, change: Partial<Instance>): Instance {
    const instance = this.instances.get(id);
    if (instance === undefined) throw refused("global/object-does-not-exist", 404);
    const changed = { ...instance, ...change };
    this.instances.set(id, changed);
    return changed;
  }

  context(clock = new VirtualClock()): InstanceContext & { readonly clock: VirtualClock } {
    return {
      client: this,
      clock,
      settings: { pollIntervalMs: 5_000, settleMs: 180_000, bootTimeoutMs: undefined },
    };
  }
}

export const inputs: InstanceInputs = {
  name: "local-node-0a1b2c3d",
  placements: [
    { instanceType: "gpu_1x_a10", region: "us-east-1" },
    { instanceType: "gpu_8x_a100", region: "us-east-1" },
  ],
  sshKeyName: "key",
  __provider: "code",
};
