import type { LambdaCloudClient } from "./client";
import { isUnknown, type CheckFailure, type DiffResult, type Handlers } from "./handlers";
import type { SshKey } from "./schemas";

export interface SshKeyInputs {
  readonly name: string;
  readonly publicKey: string;
  readonly __provider?: unknown;
}

export type SshKeyOutputs = SshKeyInputs;

export interface SshKeyContext {
  readonly client: Pick<LambdaCloudClient, "listSshKeys" | "addSshKey" | "deleteSshKey">;
}

/** Type and key of an OpenSSH public key; the comment does not matter. */
const blob = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(" ");

/** The lifecycle of an SSH key of the account. The API can only add and delete keys. */
export class SshKeyHandlers implements Handlers<SshKeyInputs, SshKeyOutputs> {
  readonly #context: SshKeyContext;
  /** Ids that creations of this run took over; see the deletion of instances. */
  readonly #takenOver = new Set<string>();

  constructor(context: SshKeyContext) {
    this.#context = context;
  }

  check(_olds: unknown, news: SshKeyInputs) {
    const failures: CheckFailure[] = [];
    if (!isUnknown(news.name) && (news.name.length < 1 || news.name.length > 64)) {
      failures.push({ property: "name", reason: "The name must have 1 to 64 characters." });
    }
    if (!isUnknown(news.publicKey) && !/^(sk-)?(ssh|ecdsa)-\S+ \S+/.test(news.publicKey)) {
      // Under no property: the engine prints the property's value, and this may be a private key pasted by mistake.
      failures.push({ property: "", reason: "The public key is not an OpenSSH public key." });
    }
    return Promise.resolve({ inputs: news, failures });
  }

  diff(_id: string, olds: SshKeyOutputs, news: SshKeyInputs): Promise<DiffResult> {
    const replaces = [
      ...(olds.name === news.name ? [] : ["name"]),
      ...(!isUnknown(news.publicKey) && blob(olds.publicKey) === blob(news.publicKey) ? [] : ["publicKey"]),
    ];
    // Names are unique: under the same name the old key has to go first.
    return Promise.resolve({
      changes: replaces.length > 0,
      replaces,
      deleteBeforeReplace: olds.name === news.name,
    });
  }

  /** Takes over a key of that name with the same content, which a run that was cut off may have left. */
  async create(inputs: SshKeyInputs): Promise<{ id: string; outs: SshKeyOutputs }> {
    const existing = (await this.#context.client.listSshKeys()).find(({ name }) => name === inputs.name);
    if (existing !== undefined && blob(existing.public_key) !== blob(inputs.publicKey)) {
      throw new Error(
        `SSH key ${inputs.name}: the account has another key of this name. Delete it in the Lambda Cloud console, or choose another name.`,
      );
    }
    if (existing !== undefined) this.#takenOver.add(existing.id);
    const key = existing ?? (await this.#add(inputs));
    return { id: key.id, outs: inputs };
  }

  /** A failed add may have added: the list decides. */
  async #add({ name, publicKey }: SshKeyInputs): Promise<SshKey> {
    try {
      return await this.#context.client.addSshKey(name, publicKey);
    } catch (error) {
      const added = (await this.#context.client.listSshKeys()).find(
        (key) => key.name === name && blob(key.public_key) === blob(publicKey),
      );
      if (added === undefined) throw error;
      return added;
    }
  }

  async read(id: string, props: SshKeyOutputs): Promise<{ id: string; props: SshKeyOutputs }> {
    const found = (await this.#context.client.listSshKeys()).some((key) => key.id === id);
    return { id: found ? id : "", props };
  }

  update(_id: string, _olds: SshKeyOutputs, news: SshKeyInputs): Promise<{ outs: SshKeyOutputs }> {
    return Promise.resolve({ outs: news });
  }

  async delete(id: string): Promise<void> {
    if (!this.#takenOver.has(id)) await this.#context.client.deleteSshKey(id);
  }
}
