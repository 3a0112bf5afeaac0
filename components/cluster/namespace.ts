import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A level of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/). */
export type PodSecurityLevel = "restricted" | "baseline" | "privileged";

export interface NamespaceArgs {
  /** Name in the cluster. */
  readonly name: string;
  readonly podSecurity: PodSecurityLevel;
  /** Why the level is lower than restricted. Required then; kept as an annotation beside the label. */
  readonly reason?: string;
}

/**
 * A namespace whose pods the API server holds to a Pod Security level.
 *
 * @throws Error when the level is lower than restricted and no reason is given
 */
export function podSecureNamespace(
  logicalName: string,
  { name, podSecurity, reason }: NamespaceArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.core.v1.Namespace {
  if (podSecurity !== "restricted" && reason === undefined) {
    throw new Error(
      `namespace ${name}: an exception has no reason (got ${JSON.stringify(podSecurity)}); expected "restricted" or a reason. Say why its pods need more.`,
    );
  }
  return new kubernetes.core.v1.Namespace(
    logicalName,
    {
      metadata: {
        name,
        labels: {
          "app.kubernetes.io/part-of": "sophia-ai",
          "app.kubernetes.io/managed-by": "pulumi",
          "pod-security.kubernetes.io/enforce": podSecurity,
          "pod-security.kubernetes.io/warn": podSecurity,
          "pod-security.kubernetes.io/audit": podSecurity,
        },
        ...(reason === undefined ? {} : { annotations: { "sophia-ai/pod-security-reason": reason } }),
      },
    },
    opts,
  );
}
