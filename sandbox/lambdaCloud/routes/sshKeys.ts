import { generateKeyPairSync } from "node:crypto";
import { utils as ssh } from "ssh2";
import { addSshKeyRequestSchema, type SshKey } from "../../../components/lambda-cloud/schemas";
import { invalid, notFound } from "../apiFailure";
import { newId, removeFrom } from "../cloud";
import type { Call, Route } from "./route";

/** SSH keys: list, add or generate, delete. There is no way to get one by its id. */
export const sshKeyRoutes: readonly Route[] = [
  { method: "GET", path: "/ssh-keys", handle: ({ cloud }) => cloud.state.sshKeys },
  { method: "POST", path: "/ssh-keys", handle: add },
  { method: "DELETE", path: "/ssh-keys/{id}", handle: remove },
];

function add({ cloud, body }: Call): SshKey {
  const { name, public_key } = body(addSshKeyRequestSchema);
  if (cloud.state.sshKeys.some((key) => key.name === name))
    throw invalid(`SSH key with name '${name}' already exists.`);
  if (public_key !== undefined && ssh.parseKey(public_key) instanceof Error)
    throw invalid("Error in request body at 'public_key': not a public key in OpenSSH's format");
  const pair = public_key === undefined ? generatePair() : undefined;
  const key = { id: newId(), name, public_key: public_key ?? pair?.public_key ?? "" };
  cloud.state.sshKeys.push(key);
  // The private half is shown once and kept nowhere.
  return pair === undefined ? key : { ...key, private_key: pair.private_key };
}

function generatePair(): { public_key: string; private_key: string } {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const parsed = ssh.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return { public_key: `ssh-rsa ${parsed.getPublicSSH().toString("base64")}`, private_key: privateKey };
}

function remove({ cloud, id }: Call): object {
  const key = cloud.state.sshKeys.find((known) => known.id === id);
  if (key === undefined) throw notFound();
  removeFrom(cloud.state.sshKeys, key);
  return {};
}
