/**
 * Runs commands on an instance's own disk: in a user, mount, process and host-name namespace of their own, with the
 * disk as root. Whoever runs the sandbox is root in there and has no power over the machine.
 * @see https://man7.org/linux/man-pages/man1/unshare.1.html
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { ProblemReport } from "../../components/problems";
import { DEVICES, type DiskLayout } from "./disk";
import { SANDBOX_LIB } from "./shims";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NAMESPACES = ["--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork", "--kill-child"];

/**
 * Puts the machine's programs into the disk and runs the command as a child, not in place, of this script: the first
 * process of a namespace ignores signals.
 */
const ENTER = `
set -e
root=$1 local=$2 kubectl=$3 name=$4 command=$5
mount --rbind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr" 2>/dev/null || [ ! -w "$root/usr" ]
mount --bind "$local" "$root/usr/local"
if [ -n "$kubectl" ]; then
  touch "$root${SANDBOX_LIB}/kubectl"
  mount --bind "$kubectl" "$root${SANDBOX_LIB}/kubectl"
fi
for device in ${DEVICES.join(" ")}; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount -t proc -o ro proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
hostname "$name"
set +e
if [ -n "$command" ]; then
  chroot "$root" /bin/bash -c 'cd && exec /bin/bash -c "$1"' bash "$command"
else
  chroot "$root" /bin/bash -c 'cd && exec /bin/bash'
fi
exit $?
`;

/** A command to be run on an instance. */
export interface HostCommand {
  /** For bash; undefined = a shell that reads commands from its input. */
  readonly command: string | undefined;
  readonly hostname: string;
  /** Added to the environment of a fresh login. */
  readonly env?: Readonly<Record<string, string>>;
  /** The machine's kubectl, lent to the instance. @default - `k3s kubectl` doesn't work there */
  readonly kubectl?: string | undefined;
}

/** Starts a command on an instance's disk. It ends, with all it started, when the returned process ends. */
export function runOnDisk(disk: DiskLayout, request: HostCommand): ChildProcessWithoutNullStreams {
  const enter = [
    "/bin/bash",
    "-c",
    ENTER,
    "enter",
    disk.root,
    disk.local,
    request.kubectl ?? "",
    request.hostname,
  ];
  // Killed when the sandbox is: nothing of an instance outlives it.
  return spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", ...NAMESPACES, ...enter, request.command ?? ""],
    {
      detached: true,
      env: {
        PATH: SYSTEM_PATH,
        HOME: "/home/ubuntu",
        USER: "ubuntu",
        LOGNAME: "ubuntu",
        SHELL: "/bin/bash",
        LANG: "C.UTF-8",
        // Archives name owners that don't exist in here.
        TAR_OPTIONS: "--no-same-owner",
        ...request.env,
      },
    },
  );
}

/**
 * Checks that this machine lets us make namespaces.
 * @throws ProblemReport if it does not
 */
export function checkIsolation(): void {
  try {
    execFileSync("setpriv", ["--pdeathsig", "KILL", "unshare", ...NAMESPACES, "/bin/bash", "-c", ":"], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 10_000,
    });
  } catch (error) {
    const stderr = (error as { stderr?: Buffer | null }).stderr?.toString().trim().split("\n")[0] ?? "";
    throw new ProblemReport("sandbox hosts", [
      {
        path: "unshare",
        what: "this machine doesn't let programs run isolated",
        got: stderr === "" ? (error as Error).message.split("\n")[0] : stderr,
        expected: "user namespaces (util-linux 2.36 or newer, sysctl kernel.unprivileged_userns_clone=1)",
        fix: "Allow user namespaces, or on Ubuntu 24.04 set kernel.apparmor_restrict_unprivileged_userns=0",
      },
    ]);
  }
}
