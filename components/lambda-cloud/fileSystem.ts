import { Adoption, type Adoptable } from "./adoption";
import { certain } from "./certain";
import type { LambdaContext } from "./context";
import { isUnknown, type CheckFailure, type DiffResult, type Handlers } from "./handlers";
import { deleteWhenFree } from "./inUse";
import { FILE_SYSTEM_NAME, MAX_FILE_SYSTEM_NAME_LENGTH, type FileSystem } from "./schemas";

export interface FileSystemInputs extends Adoptable {
  readonly region: string;
  readonly __provider?: unknown;
}

export interface FileSystemOutputs extends FileSystemInputs {
  /** Where instances mount it unless they say otherwise, such as `/lambda/nfs/models`. */
  readonly mountPoint: string;
  readonly schemaVersion: 1;
}

type Context = LambdaContext<"listFileSystems" | "createFileSystem" | "deleteFileSystem" | "listInstances">;

const outputs = (inputs: FileSystemInputs, { mount_point }: FileSystem): FileSystemOutputs => ({
  ...inputs,
  mountPoint: mount_point,
  schemaVersion: 1,
});

function adoptionObstacle(found: FileSystem | undefined, { name, region }: FileSystemInputs) {
  if (found === undefined) return "There is no file system of this id.";
  if (!isUnknown(name) && found.name !== name)
    return `The file system is named ${found.name}, which cannot change; expected ${name}.`;
  if (!isUnknown(region) && found.region.name !== region)
    return `The file system is in ${found.region.name}; expected ${region}.`;
  return undefined;
}

/** The lifecycle of a file system. It can be made and deleted; nothing of it can change, and its data goes with it. */
export class FileSystemHandlers implements Handlers<FileSystemInputs, FileSystemOutputs> {
  readonly #context: Context;
  readonly #adoption: Adoption<FileSystem, FileSystemInputs>;

  constructor(context: Context) {
    this.#context = context;
    this.#adoption = new Adoption((id) => this.#find((known) => known.id === id), adoptionObstacle);
  }

  check(olds: Partial<FileSystemInputs> | undefined, news: FileSystemInputs) {
    const failures: CheckFailure[] = [];
    const { name } = news;
    if (!isUnknown(name) && (!FILE_SYSTEM_NAME.test(name) || name.length > MAX_FILE_SYSTEM_NAME_LENGTH)) {
      const reason = `The name may have letters, digits and dashes, at most ${MAX_FILE_SYSTEM_NAME_LENGTH}, and starts with a letter.`;
      failures.push({ property: "name", reason });
    }
    return this.#adoption.check(olds, news, failures);
  }

  /** Names are unique in the account, so a replacement under the same name has to delete first. */
  diff(_id: string, olds: FileSystemOutputs, news: FileSystemInputs): Promise<DiffResult> {
    const replaces = (["name", "region"] as const).filter((key) => olds[key] !== news[key]);
    return Promise.resolve({
      changes: replaces.length > 0,
      replaces,
      deleteBeforeReplace: olds.name === news.name,
    });
  }

  /** Takes over one of this name and region: a run that was cut off made it, or it outlived its stack with its data. */
  async create(inputs: FileSystemInputs): Promise<{ id: string; outs: FileSystemOutputs }> {
    const adopted = await this.#adoption.carryOut(inputs);
    const existing = adopted ?? (await this.#find(({ name }) => name === inputs.name));
    if (existing !== undefined && existing.region.name !== inputs.region) {
      throw new Error(
        `file system ${inputs.name}: the account has one of this name in ${existing.region.name}; expected ${inputs.region}. Choose another name or that region.`,
      );
    }
    if (existing !== undefined) this.#adoption.takeOver(existing.id);
    const fileSystem = existing ?? (await this.#make(inputs));
    return { id: fileSystem.id, outs: outputs(inputs, fileSystem) };
  }

  #make({ name, region }: FileSystemInputs): Promise<FileSystem> {
    return certain(this.#context, {
      subject: `file system ${name}`,
      create: () => this.#context.client.createFileSystem(name, region),
      find: () => this.#find((known) => known.name === name && known.region.name === region),
    });
  }

  async read(id: string, props: FileSystemOutputs): Promise<{ id: string; props: FileSystemOutputs }> {
    const found = await this.#find((known) => known.id === id);
    if (found === undefined) return { id: "", props };
    const { name, region } = found;
    return { id, props: outputs({ ...props, name, region: region.name }, found) };
  }

  update(_id: string, olds: FileSystemOutputs, news: FileSystemInputs): Promise<{ outs: FileSystemOutputs }> {
    return Promise.resolve({ outs: { ...olds, ...news } });
  }

  /** Waits until its last instance has let go of it. */
  async delete(id: string, { name }: FileSystemOutputs): Promise<void> {
    if (this.#adoption.isTakenOver(id)) return;
    await deleteWhenFree(
      this.#context,
      `file system ${name}`,
      () => this.#context.client.deleteFileSystem(id),
      ({ file_system_names }) => file_system_names.includes(name),
    );
  }

  async #find(isWanted: (known: FileSystem) => boolean): Promise<FileSystem | undefined> {
    return (await this.#context.client.listFileSystems()).find(isWanted);
  }
}
