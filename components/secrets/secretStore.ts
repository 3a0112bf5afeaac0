import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { SophiaComponent, type SophiaType } from "../component";

/** Hands out application secrets by canonical environment-variable name. */
export interface SecretStore {
  /** @throws never for a name that was checked beforehand */
  get(name: string): pulumi.Output<string>;
}

/** Secrets from the stack's configuration. Values stay secret Outputs. */
export function configuredSecrets(values: pulumi.Output<Readonly<Record<string, string>>>): SecretStore {
  return {
    get: (name) =>
      pulumi.secret(
        values.apply((all) => {
          const value = all[name];
          if (value === undefined) {
            throw new pulumi.RunError(
              `secrets.${name}: is missing; expected a secret. Set it with: pulumi config set --secret --path secrets.${name}`,
            );
          }
          return value;
        }),
      ),
  };
}

export const GENERATED_SECRETS: SophiaType = "sophia:secrets:Generated";

/**
 * Random stand-ins, stable across ups: whatever needs a credential gets one that opens nothing. For local work.
 */
export class GeneratedSecrets extends SophiaComponent implements SecretStore {
  readonly #made = new Map<string, pulumi.Output<string>>();

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super(GENERATED_SECRETS, name, {}, opts);
    this.registerOutputs({});
  }

  get(name: string): pulumi.Output<string> {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const logicalName = this.childName(name.toLowerCase().replaceAll("_", "-"));
    const { result } = new random.RandomPassword(
      logicalName,
      { length: 32, special: false },
      { parent: this },
    );
    this.#made.set(name, result);
    return result;
  }
}
