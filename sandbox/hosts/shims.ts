/**
 * The programs an instance has that this machine can't lend it: tiny scripts that hand their arguments to the
 * sandbox (see requests.ts), which answers for the instance. They need bash and nothing else.
 */
import { createHash } from "node:crypto";

/** Where an instance finds the sandbox's own files. */
export const SANDBOX_LIB = "/usr/local/lib/sandbox";

/** Names under which {@link ASK} is installed: the sandbox plays these programs. */
export const ASKED_PROGRAMS = [
  "systemctl",
  "journalctl",
  "nvidia-smi",
  "nvidia-ctk",
  "cloud-init",
  "sysctl",
  "modprobe",
  "swapoff",
  "ufw",
  "iptables",
  "apt-get",
  "timedatectl",
] as const;

/**
 * Sends its own name and arguments to the sandbox and prints the reply: lines of `O<text>` (output) and
 * `E<text>` (errors), and at the end `X<exit code>`.
 */
export const ASK = `#!/bin/bash
read -r port token </run/sandbox
exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf '%s\\0' "$token" "$#" "\${SANDBOX_PROGRAM:-\${0##*/}}" "$@" >&3
while IFS= read -r -u 3 line; do
  case $line in
    O*) printf '%s\\n' "\${line:1}" ;;
    E*) printf '%s\\n' "\${line:1}" >&2 ;;
    X*) exit "\${line:1}" ;;
  esac
done
echo "\${0##*/}: the sandbox is gone; start it again." >&2
exit 1
`;

/**
 * sudo of an instance, where everyone is root already. Like the real one it drops the caller's environment unless
 * asked to keep it, so a forgotten \`-E\` is noticed here and not on a real instance.
 */
export const SUDO = `#!/bin/bash
keep=() kept= user=root home=/root login=
while [ $# -gt 0 ]; do
  case $1 in
    -u | --user) user=$2; shift ;;
    -u*) user=\${1#-u} ;;
    --user=*) user=\${1#*=} ;;
    -E | --preserve-env) kept=all ;;
    --preserve-env=*) kept=\${1#*=} ;;
    -i | --login) login=1 ;;
    -s | --shell) login=1 ;;
    -n | -H | -S | -b | -k | --non-interactive | --set-home | --stdin) ;;
    -nE | -En | -EH | -HE) kept=all ;;
    -v | -l | --validate) exit 0 ;;
    --) shift; break ;;
    -*) echo "sudo: option $1 isn't known to the sandbox." >&2; exit 1 ;;
    *=*) keep+=("$1") ;;
    *) break ;;
  esac
  shift
done
while [[ \${1:-} == [A-Za-z_]*=* ]]; do keep+=("$1"); shift; done
[ "$user" = root ] || home=/home/$user
if [ -z "\${1:-}" ]; then
  [ -n "$login" ] || { echo "usage: sudo [-EHn] [-u user] [VAR=value] command" >&2; exit 1; }
  set -- /bin/bash
elif [ -n "$login" ]; then
  set -- /bin/bash -c "$*"
fi
[ "$kept" = all ] && exec env "\${keep[@]}" "$@"
for name in \${kept//,/ }; do [ -n "\${!name+x}" ] && keep+=("$name=\${!name}"); done
exec env -i PATH="$PATH" TERM="\${TERM:-dumb}" LANG="\${LANG:-C.UTF-8}" TAR_OPTIONS="\${TAR_OPTIONS:-}" \\
  HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash SUDO_USER=ubuntu SUDO_UID=1000 SUDO_GID=1000 \\
  "\${keep[@]}" "$@"
`;

/** A file to be offered for download. */
export interface Download {
  readonly content: Buffer;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * What instances download in place of the k3s program. \`k3s kubectl\` is the real kubectl; everything else is
 * answered by the sandbox.
 * @param version - such as \`v1.36.3+k3s1\`
 */
export function k3sBinary(version: string): Download {
  const content = Buffer.from(`#!/bin/bash
# k3s ${version}, as the sandbox's instances know it.
[ "\${0##*/}" = kubectl ] && set -- kubectl "$@"
if [ "$1" = kubectl ]; then
  shift
  read -r server </run/k3s-server || { echo "k3s: no server runs on this instance." >&2; exit 1; }
  [ -x ${SANDBOX_LIB}/kubectl ] || { echo "k3s: this machine has no kubectl." >&2; exit 127; }
  exec ${SANDBOX_LIB}/kubectl --kubeconfig="\${KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}" --server="$server" "$@"
fi
SANDBOX_PROGRAM=k3s exec ${SANDBOX_LIB}/ask "${version}" "$@"
`);
  return { content, sha256: createHash("sha256").update(content).digest("hex") };
}
