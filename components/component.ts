import * as pulumi from "@pulumi/pulumi";

/** A type token of ours: `sophia:<module>:<Type>`. Tokens and logical names are public API: state is keyed by them. */
export type SophiaType = `sophia:${string}:${string}`;

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * The base of every component. It owns three rules, so that no subclass can forget them: names are lower-case and
 * dashed, children are named `<component>-<role>`, and outputs are registered exactly once from one literal.
 */
export abstract class SophiaComponent extends pulumi.ComponentResource {
  /**
   * @param audit A small, secret-free summary of the arguments. It is stored in state as the component's inputs.
   * @throws Error when the name is not lower-case and dashed
   */
  protected constructor(
    type: SophiaType,
    protected readonly name: string,
    audit: pulumi.Inputs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    if (!NAME.test(name)) {
      throw new pulumi.RunError(
        `${type} ${JSON.stringify(name)}: the name is not valid; expected lower-case letters, digits and single dashes. Rename it.`,
      );
    }
    super(type, name, audit, opts);
  }

  /** The logical name of a child: `<component>-<role>`. */
  protected childName(role: string): string {
    return `${this.name}-${role}`;
  }
}

/** The labels that every Kubernetes object of ours carries (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/). */
export function commonLabels(app: string, component: string): Record<string, string> {
  return {
    app,
    "app.kubernetes.io/name": app,
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/part-of": "sophia-ai",
    "app.kubernetes.io/managed-by": "pulumi",
  };
}
