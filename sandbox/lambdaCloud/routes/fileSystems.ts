import { createFileSystemRequestSchema, type FileSystem } from "../../../components/lambda-cloud/schemas";
import { ApiFailure, duplicate, missing, quotaExceeded } from "../apiFailure";
import { checkRegion, newId, QUOTAS, removeFrom } from "../cloud";
import type { Call, Route } from "./route";

/** File systems, whose list is spelled with a dash and whose other requests are not. */
export const fileSystemRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/file-systems",
    handle: ({ cloud }) => cloud.state.fileSystems.map((record) => cloud.showFileSystem(record)),
  },
  { method: "POST", path: "/filesystems", handle: create },
  { method: "DELETE", path: "/filesystems/{id}", handle: remove },
];

function create({ cloud, body }: Call): FileSystem {
  const { name, region } = body(createFileSystemRequestSchema);
  checkRegion(region);
  const { fileSystems } = cloud.state;
  if (fileSystems.some((known) => known.name === name))
    throw duplicate(`Filesystem with name '${name}' already exists.`);
  if (fileSystems.length >= QUOTAS.fileSystems) throw quotaExceeded();
  const record = { id: newId(), name, region, created: new Date().toISOString() };
  fileSystems.push(record);
  return cloud.showFileSystem(record);
}

function remove({ cloud, id }: Call): object {
  const record = cloud.state.fileSystems.find((known) => known.id === id);
  if (record === undefined) throw missing("Filesystem was not found.");
  if (cloud.fileSystemInUse(record))
    throw new ApiFailure(400, "filesystems/filesystem-in-use", "Filesystem is in use.");
  removeFrom(cloud.state.fileSystems, record);
  return { deleted_ids: [id] };
}
