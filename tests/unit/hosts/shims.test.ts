import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseRequest, renderReply } from "../../../sandbox/hosts/requests";
import { k3sBinary, SUDO } from "../../../sandbox/hosts/shims";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "shims-"));
  writeFileSync(join(dir, "sudo"), SUDO);
  chmodSync(join(dir, "sudo"), 0o755);
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function sudo(args: readonly string[], input = "", env: Record<string, string> = {}): string {
  const options = { input, env: { PATH: process.env["PATH"] ?? "", ...env }, encoding: "utf8" as const };
  return execFileSync(join(dir, "sudo"), args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
}

describe("sudo", () => {
  const show = 'echo "$HOME $A"';
  test.each([
    ["drops the environment", ["bash", "-c", show], "/root \n"],
    ["keeps it with -E", ["-E", "bash", "-c", show], "/me here\n"],
    ["keeps it with -nE", ["-nE", "bash", "-c", show], "/me here\n"],
    ["keeps one variable", ["--preserve-env=A", "bash", "-c", show], "/root here\n"],
    ["sets variables", ["-n", "A=set", "bash", "-c", show], "/root set\n"],
    ["becomes another user", ["-u", "ubuntu", "-H", "bash", "-c", show], "/home/ubuntu \n"],
    ["stops at --", ["-n", "--", "bash", "-c", show], "/root \n"],
    ["keeps arguments whole", ["printf", "%s|", "a b", "", "c*"], "a b||c*|"],
    ["runs a login shell's command", ["-i", "echo", "hi"], "hi\n"],
  ])("%s", (_, args, expected) => {
    expect(sudo(args, "", { A: "here", HOME: "/me" })).toBe(expected);
  });

  test("passes its input on", () => {
    expect(sudo(["bash", "-s"], "echo from input")).toBe("from input\n");
    expect(sudo(["-n", "tee"], "text")).toBe("text");
  });

  test("says which option it doesn't know", () => {
    expect(() => sudo(["--chroot=/x", "true"])).toThrow(
      "sudo: option --chroot=/x isn't known to the sandbox.",
    );
  });
});

describe("the requests of shims", () => {
  test("are understood however they are cut", () => {
    const word = fc.string().filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(word), (args) => {
        const whole = ["token", String(args.length), "systemctl", ...args]
          .map((part) => `${part}\0`)
          .join("");
        expect(parseRequest(whole)).toEqual({ token: "token", program: "systemctl", args });
        expect(parseRequest(whole.slice(0, -1))).toBeUndefined();
      }),
    );
  });

  test("are answered line by line", () => {
    expect(renderReply({ code: 3, stdout: "a\n\nb\n", stderr: "c" })).toBe("Ec\nOa\nO\nOb\nX3\n");
    expect(renderReply({ code: 0 })).toBe("X0\n");
  });
});

test("the k3s download depends on nothing but the version", () => {
  expect(k3sBinary("v1.36.3+k3s1")).toEqual(k3sBinary("v1.36.3+k3s1"));
  expect(k3sBinary("v1.36.3+k3s1").sha256).not.toBe(k3sBinary("v1.36.4+k3s1").sha256);
});
