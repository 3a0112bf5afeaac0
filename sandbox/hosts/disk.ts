/** An instance's own disk: a folder that becomes the root of everything run on the instance. */
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { InstanceSnapshot } from "./instance";
import { ASK, ASKED_PROGRAMS, SANDBOX_LIB, SUDO } from "./shims";

/** Where the parts of one instance lie on this machine. */
export interface DiskLayout {
  /** Everything of the instance. */
  readonly dir: string;
  /** What the instance sees as `/`. */
  readonly root: string;
  /** What the instance sees as `/usr/local`; apart from the root, as the machine's /usr is put over that. */
  readonly local: string;
}

/** Device files the instance shares with the machine. */
export const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"] as const;

const FOLDERS = [
  "etc",
  "etc/systemd/system",
  "etc/sysctl.d",
  "home/ubuntu",
  "root",
  "opt",
  "srv",
  "mnt",
  "run",
  "usr",
];
const MORE_FOLDERS = ["var/lib", "var/log", "var/tmp", "tmp", "proc", "sys", "dev"];
/** Configuration without which the machine's programs don't run, copied once. */
const COPIED = ["alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/certs", "ssl/openssl.cnf"];
const ALSO_COPIED = ["nsswitch.conf", "resolv.conf", "services", "protocols", "localtime"];

/** Where one instance's parts lie. */
export function layout(fleetDir: string, instanceId: string): DiskLayout {
  const dir = join(fleetDir, instanceId);
  return { dir, root: join(dir, "root"), local: join(dir, "local") };
}

/** This machine's path of a file of the instance. */
export function onDisk({ root, local }: DiskLayout, path: string): string {
  const inside = normalize(join("/", path));
  return inside.startsWith("/usr/local/")
    ? join(local, inside.slice("/usr/local".length))
    : join(root, inside);
}

/** Writes a file of the instance, with its folders. */
export function writeOnDisk(disk: DiskLayout, path: string, content: string, mode = 0o644): void {
  const file = onDisk(disk, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode });
  chmodSync(file, mode);
}

/** Makes an instance's disk, unless it is there already. */
export function ensureDisk(disk: DiskLayout, instance: InstanceSnapshot): void {
  if (existsSync(join(disk.dir, "made"))) return;
  mkdirSync(disk.dir, { recursive: true, mode: 0o700 });
  for (const folder of [...FOLDERS, ...MORE_FOLDERS]) mkdirSync(join(disk.root, folder), { recursive: true });
  chmodSync(join(disk.root, "tmp"), 0o1777);
  for (const folder of ["bin", "sbin", "lib", "lib64"]) link(disk, `usr/${folder}`, `/${folder}`);
  for (const device of DEVICES) writeOnDisk(disk, `/dev/${device}`, "");
  link(disk, "/proc/self/fd", "/dev/fd");
  for (const [fd, name] of ["stdin", "stdout", "stderr"].entries())
    link(disk, `/proc/self/fd/${fd}`, `/dev/${name}`);
  for (const name of [...COPIED, ...ALSO_COPIED]) copyFromMachine(disk, `/etc/${name}`);
  writeIdentity(disk, instance);
  installShims(disk);
  writeFileSync(join(disk.dir, "made"), "");
}

/** Deletes an instance's disk. */
export function deleteDisk({ dir }: DiskLayout): void {
  rmSync(dir, { recursive: true, force: true });
}

function link(disk: DiskLayout, target: string, path: string): void {
  rmSync(onDisk(disk, path), { force: true });
  symlinkSync(target, onDisk(disk, path));
}

function copyFromMachine(disk: DiskLayout, path: string): void {
  if (existsSync(path)) cpSync(path, onDisk(disk, path), { recursive: true, verbatimSymlinks: true });
}

function writeIdentity(disk: DiskLayout, { hostname, ip }: InstanceSnapshot): void {
  writeOnDisk(disk, "/etc/hostname", `${hostname}\n`);
  writeOnDisk(disk, "/etc/hosts", `127.0.0.1 localhost\n${ip ?? "127.0.1.1"} ${hostname}\n`);
  // One user id is all an unprivileged user namespace gives, so ubuntu is root under another name.
  writeOnDisk(
    disk,
    "/etc/passwd",
    "root:x:0:0:root:/root:/bin/bash\nubuntu:x:0:0:Ubuntu:/home/ubuntu:/bin/bash\n",
  );
  writeOnDisk(disk, "/etc/group", "root:x:0:\nubuntu:x:0:\nsudo:x:0:ubuntu\n");
  writeOnDisk(
    disk,
    "/etc/os-release",
    'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\nPRETTY_NAME="Ubuntu 22.04 LTS"\n',
  );
}

function installShims(disk: DiskLayout): void {
  for (const folder of ["bin", "sbin", "lib/sandbox", "share", "etc"]) {
    mkdirSync(join(disk.local, folder), { recursive: true });
  }
  writeOnDisk(disk, `${SANDBOX_LIB}/ask`, ASK, 0o755);
  writeOnDisk(disk, "/usr/local/bin/sudo", SUDO, 0o755);
  for (const program of ASKED_PROGRAMS) link(disk, `${SANDBOX_LIB}/ask`, `/usr/local/bin/${program}`);
}
