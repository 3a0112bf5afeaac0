import { Adoption, type Adoptable } from "./adoption";
import { certain } from "./certain";
import type { LambdaContext } from "./context";
import { isUnknown, type CheckFailure, type DiffResult, type Handlers } from "./handlers";
import { MAX_NAME_LENGTH, type GeneratedSshKey, type SshKey } from "./schemas";

export interface SshKeyInputs extends Adoptable {
  /** @default - the API makes a pair */
  readonly publicKey?: string;
  readonly __provider?: unknown;
}

export interface SshKeyOutputs extends SshKeyInputs {
  readonly publicKey: string;
  /** Of a pair that the API made; secret, and shown to nobody else. */
  readonly privateKey?: string;
}

type Context = LambdaContext<"listSshKeys" | "addSshKey" | "deleteSshKey">;

/** Type and key of an OpenSSH public key; the comment does not matter. */
const blob = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(" ");

function adoptionObstacle(found: SshKey | undefined, { name, publicKey }: SshKeyInputs): string | undefined {
  if (found === undefined) return "There is no SSH key of this id.";
  if (!isUnknown(name) && found.name !== name)
    return `The SSH key is named ${found.name}, which cannot change; expected ${name}.`;
  if (publicKey === undefined || (!isUnknown(publicKey) && blob(publicKey) !== blob(found.public_key)))
    return "The SSH key is another one; give its own public key.";
  return undefined;
}

/** The lifecycle of an SSH key of the account. The API can only add and delete keys. */
export class SshKeyHandlers implements Handlers<SshKeyInputs, SshKeyOutputs> {
  readonly #context: Context;
  readonly #adoption: Adoption<SshKey, SshKeyInputs>;

  constructor(context: Context) {
    this.#context = context;
    this.#adoption = new Adoption((id) => this.#find((known) => known.id === id), adoptionObstacle);
  }

  check(olds: Partial<SshKeyInputs> | undefined, news: SshKeyInputs) {
    const failures: CheckFailure[] = [];
    const { name, publicKey } = news;
    if (!isUnknown(name) && (name.length < 1 || name.length > MAX_NAME_LENGTH))
      failures.push({ property: "name", reason: `The name must have 1 to ${MAX_NAME_LENGTH} characters.` });
    if (publicKey !== undefined && !isUnknown(publicKey) && !/^(sk-)?(ssh|ecdsa)-\S+ \S+/.test(publicKey)) {
      // Under no property: the engine prints the property's value, and this may be a private key pasted by mistake.
      failures.push({ property: "", reason: "The public key is not an OpenSSH public key." });
    }
    return this.#adoption.check(olds, news, failures);
  }

  diff(_id: string, olds: SshKeyOutputs, news: SshKeyInputs): Promise<DiffResult> {
    const { name, publicKey } = news;
    const isGenerated = olds.privateKey !== undefined;
    const isSameKey =
      publicKey === undefined
        ? isGenerated
        : !isUnknown(publicKey) && blob(olds.publicKey) === blob(publicKey);
    const replaces = [...(olds.name === name ? [] : ["name"]), ...(isSameKey ? [] : ["publicKey"])];
    // Names are unique: under the same name the old key has to go first.
    return Promise.resolve({
      changes: replaces.length > 0,
      replaces,
      deleteBeforeReplace: olds.name === name,
    });
  }

  /** Takes over a key of that name with the same content, which a run that was cut off may have left. */
  async create(inputs: SshKeyInputs): Promise<{ id: string; outs: SshKeyOutputs }> {
    const { name, publicKey } = inputs;
    const existing =
      (await this.#adoption.carryOut(inputs)) ?? (await this.#find((key) => key.name === name));
    if (existing === undefined) {
      const { id, public_key, private_key } = await this.#add(inputs);
      const privateKey = private_key ? { privateKey: private_key } : {};
      return { id, outs: { ...inputs, publicKey: publicKey ?? public_key, ...privateKey } };
    }
    if (publicKey === undefined) {
      throw new Error(
        `SSH key ${name}: the account has a key of this name, and nobody but its maker knows its private half. Delete it in the Lambda Cloud console, or choose another name.`,
      );
    }
    if (blob(existing.public_key) !== blob(publicKey)) {
      throw new Error(
        `SSH key ${name}: the account has another key of this name. Delete it in the Lambda Cloud console, or choose another name.`,
      );
    }
    this.#adoption.takeOver(existing.id);
    return { id: existing.id, outs: { ...inputs, publicKey } };
  }

  /** A failed add may have added: the list decides. */
  #add({ name, publicKey }: SshKeyInputs): Promise<GeneratedSshKey> {
    const { client } = this.#context;
    const isMine = (key: SshKey): boolean =>
      key.name === name && (publicKey === undefined || blob(key.public_key) === blob(publicKey));
    const find = async (): Promise<SshKey | undefined> => {
      const found = await this.#find(isMine);
      if (found === undefined || publicKey !== undefined) return found;
      // The answer with the private half is lost, so the pair is of no use; it was not there a moment ago.
      await client.deleteSshKey(found.id);
      return undefined;
    };
    return certain(this.#context, {
      subject: `SSH key ${name}`,
      create: () => client.addSshKey(name, publicKey),
      find,
    });
  }

  async #find(isWanted: (key: SshKey) => boolean): Promise<SshKey | undefined> {
    return (await this.#context.client.listSshKeys()).find(isWanted);
  }

  async read(id: string, props: SshKeyOutputs): Promise<{ id: string; props: SshKeyOutputs }> {
    const found = await this.#find((key) => key.id === id);
    return { id: found?.id ?? "", props };
  }

  update(_id: string, olds: SshKeyOutputs, news: SshKeyInputs): Promise<{ outs: SshKeyOutputs }> {
    return Promise.resolve({ outs: { ...olds, ...news } });
  }

  async delete(id: string): Promise<void> {
    if (!this.#adoption.isTakenOver(id)) await this.#context.client.deleteSshKey(id);
  }
}
