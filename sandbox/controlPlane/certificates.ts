/**
 * The certificates of one cluster, issued with the machine's `openssl` (3.0 or newer). They are made once per data
 * folder; only the API server's serving certificate is issued again, when it must cover other names.
 * @see https://kubernetes.io/docs/setup/best-practices/certificates/
 */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { ProblemReport } from "../../components/problems";

const VALID_DAYS = "3650";

/** A private key and its certificate, as files. */
export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Everything the control plane's parts prove themselves with. */
export interface ClusterIdentities {
  readonly ca: Identity;
  readonly frontProxyCa: Identity;
  readonly frontProxyClient: Identity;
  /** etcd and the API server prove themselves to each other with this one; no other client gets in. */
  readonly etcd: Identity;
  readonly etcdCa: Identity;
  readonly apiServer: Identity;
  readonly admin: Identity;
  readonly controllerManager: Identity;
  readonly scheduler: Identity;
  readonly kubelets: Identity;
  /** Signs service-account tokens; the public half is beside it as `.pub`. */
  readonly serviceAccountKeyFile: string;
}

/**
 * Issues what is missing in `dir` and returns all of it.
 * @param subjectAltNames - host names and addresses under which clients reach the API server
 * @throws ProblemReport if openssl is missing or too old
 */
export function ensureIdentities(dir: string, subjectAltNames: readonly string[]): ClusterIdentities {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = (name: string): Identity => ({
    certFile: join(dir, `${name}.crt`),
    keyFile: join(dir, `${name}.key`),
  });
  const authority = (name: string, commonName: string): Identity => {
    const ca = file(name);
    if (!existsSync(ca.certFile)) {
      issue(ca, `/CN=${commonName}`, [
        "basicConstraints=critical,CA:TRUE",
        "keyUsage=critical,keyCertSign,cRLSign",
      ]);
    }
    return ca;
  };
  const ca = authority("ca", "k3s-server-ca");
  const frontProxyCa = authority("front-proxy-ca", "k3s-request-header-ca");
  // An authority of its own: the cluster's signs certificates for anyone an administrator lets in.
  const etcdCa = authority("etcd-ca", "k3s-etcd-server-ca");
  const etcd = file("etcd");
  if (!existsSync(etcd.certFile)) {
    issue(
      etcd,
      "/CN=etcd",
      ["extendedKeyUsage=serverAuth,clientAuth", "subjectAltName=IP:127.0.0.1"],
      etcdCa,
    );
  }
  const client = (name: string, subject: string, issuer: Identity = ca): Identity => {
    const identity = file(name);
    if (!existsSync(identity.certFile)) issue(identity, subject, ["extendedKeyUsage=clientAuth"], issuer);
    return identity;
  };
  const serviceAccountKeyFile = join(dir, "service-account.key");
  if (!existsSync(`${serviceAccountKeyFile}.pub`)) writeKeyPair(serviceAccountKeyFile);
  return {
    ca,
    frontProxyCa,
    etcd,
    etcdCa,
    frontProxyClient: client("front-proxy-client", "/CN=system:auth-proxy", frontProxyCa),
    apiServer: servingCertificate(file("api-server"), subjectAltNames, ca),
    admin: client("admin", "/O=system:masters/CN=system:admin"),
    controllerManager: client("controller-manager", "/CN=system:kube-controller-manager"),
    scheduler: client("scheduler", "/CN=system:kube-scheduler"),
    kubelets: client("kubelets", "/O=system:masters/CN=system:kwok"),
    serviceAccountKeyFile,
  };
}

function servingCertificate(identity: Identity, names: readonly string[], ca: Identity): Identity {
  const wanted = [...new Set(names)].sort();
  const namesFile = `${identity.certFile}.names`;
  const covered = existsSync(namesFile) ? readFileSync(namesFile, "utf8") : "";
  if (covered !== wanted.join("\n")) {
    const alternatives = wanted.map((name) => (isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`)).join(",");
    issue(
      identity,
      "/CN=kube-apiserver",
      ["extendedKeyUsage=serverAuth", `subjectAltName=${alternatives}`],
      ca,
    );
    writeFileSync(namesFile, wanted.join("\n"), { mode: 0o600 });
  }
  return identity;
}

function writeKeyPair(keyFile: string): void {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(keyFile, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  writeFileSync(`${keyFile}.pub`, publicKey.export({ type: "spki", format: "pem" }), { mode: 0o600 });
}

/** Issues a certificate; self-signed if no issuer is given. */
function issue(identity: Identity, subject: string, extensions: readonly string[], issuer?: Identity): void {
  if (!existsSync(identity.keyFile)) writeKeyPair(identity.keyFile);
  const signer = issuer === undefined ? [] : ["-CA", issuer.certFile, "-CAkey", issuer.keyFile];
  const added = extensions.flatMap((extension) => ["-addext", extension]);
  const args = [
    "req",
    "-x509",
    "-new",
    "-sha256",
    "-days",
    VALID_DAYS,
    "-subj",
    subject,
    "-key",
    identity.keyFile,
  ];
  // An empty configuration: the machine's own adds extensions that contradict ours (CA:TRUE for everyone).
  const config = `${identity.keyFile}.cnf`;
  writeFileSync(config, "[req]\ndistinguished_name=dn\n[dn]\n");
  try {
    execFileSync("openssl", [...args, ...signer, ...added, "-config", config, "-out", identity.certFile], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    const stderr = (error as { stderr?: Buffer }).stderr?.toString().trim().split("\n")[0];
    throw new ProblemReport("sandbox control plane", [
      {
        path: "openssl",
        what: "issued no certificate",
        got: stderr ?? (error as Error).message,
        expected: "openssl 3.0 or newer on PATH",
        fix: "Install the package openssl",
      },
    ]);
  } finally {
    rmSync(config, { force: true });
  }
}
