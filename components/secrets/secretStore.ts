import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

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

/**
 * Random stand-ins, stable across ups: whatever needs a credential gets one that opens nothing. For local work.
 *
 * @param parent Owner of the random resources
 */
export function generatedSecrets(parent: pulumi.Resource): SecretStore {
  const made = new Map<string, pulumi.Output<string>>();
  return {
    get(name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      const logicalName = `secret-${name.toLowerCase().replaceAll("_", "-")}`;
      const { result } = new random.RandomPassword(logicalName, { length: 32, special: false }, { parent });
      made.set(name, result);
      return result;
    },
  };
}
