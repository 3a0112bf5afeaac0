import type { McpServer } from "./catalog";

/** Where the platform's own images are, and which release of them is deployed. */
export interface OwnImages {
  /** Registry and path, such as `docker.io/scoobyjava15`. */
  readonly registry: string;
  /** Release, such as `2.0.0`. */
  readonly tag: string;
}

/** The image reference of a server: its digest where it is pinned by one, else its tag, else the platform's release. */
export function imageReference(
  { image, objectName, tag, digest }: Pick<McpServer, "image" | "objectName" | "tag" | "digest">,
  own: OwnImages,
): string {
  const repository = image ?? `${own.registry}/${objectName}`;
  return digest === undefined ? `${repository}:${tag ?? own.tag}` : `${repository}@${digest}`;
}
