import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { tools } from "../../../sandbox/toolchain/tools";

/** A temporary checkout with Go modules of its own and a pretended `go`, so that no test builds or changes anything real. */
export interface FakeCheckout {
  readonly root: string;
  readonly goDir: string;
  readonly cache: string;
  /** Folder of the pretended commands; the only one on PATH beside the system's. */
  readonly commands: string;
  /** Puts an executable shell script beside the pretended `go`. */
  command(name: string, script: string): string;
  /** What `go` was asked to do so far, one line a call. */
  calls(): string[];
  remove(): void;
}

/** Answers what the toolchain asks go for; "built" tools are small scripts. */
export const workingGo = (root: string): string => `
echo "$@" >> "${root}/calls"
case "$1" in
  env) echo go1.26.8 ;;
  mod) echo '{"Dir": "${root}/module"}' ;;
  build)
    while [ "$1" != -o ]; do shift; done
    printf 'half' > "$2"
    printf '#!/bin/sh\\necho built\\n' > "$2"
    chmod +x "$2" ;;
esac
`;

/** Fills `root`, an empty folder that the caller's mock of sandbox/paths names as the checkout. */
export function fillCheckout(root: string): FakeCheckout {
  const goDir = path.join(root, "sandbox", "toolchain", "go");
  const commands = path.join(root, "commands");
  for (const module of new Set(["charts", ...tools.map((tool) => tool.module)])) {
    mkdirSync(path.join(goDir, module), { recursive: true });
    writeFileSync(path.join(goDir, module, "go.mod"), `module example/${module}\n\ngo 1.26.0\n`);
  }
  const schemaDir = path.join(root, "module", "cmd", "pulumi-resource-kubernetes");
  mkdirSync(schemaDir, { recursive: true });
  writeFileSync(path.join(schemaDir, "schema.json"), "{}");
  mkdirSync(commands, { recursive: true });
  const command = (name: string, script: string): string => {
    const file = path.join(commands, name);
    writeFileSync(file, `#!/bin/sh\n${script}`);
    chmodSync(file, 0o755);
    return file;
  };
  command("go", workingGo(root));
  return {
    root,
    goDir,
    cache: path.join(root, "cache"),
    commands,
    command,
    calls: () => {
      try {
        return readFileSync(path.join(root, "calls"), "utf8").trimEnd().split("\n");
      } catch {
        return [];
      }
    },
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}
