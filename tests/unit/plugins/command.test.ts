import type { Properties } from "../../../sandbox/plugins/propertyValues";
import { localCommand } from "../../../sandbox/plugins/command/local";
import { remoteCommand } from "../../../sandbox/plugins/command/remote";
import { dialDelayMs } from "../../../sandbox/plugins/command/ssh";
import { PASSWORD, startHost, type TestHost } from "./sshServer";

function context() {
  const lines: string[] = [];
  const abort = new AbortController();
  return { name: "it", signal: abort.signal, log: (line: string) => lines.push(line), lines, abort };
}

describe("a local command", () => {
  const run = async (inputs: Properties, log = context()) => (await localCommand.create(inputs, log)).outputs;

  test("gets its environment and standard input, and gives its outputs without the last line break", async () => {
    const log = context();
    const inputs = {
      create: 'cat; echo " $APP"; echo bad >&2; echo; ',
      stdin: "in",
      environment: { APP: "v" },
    };
    expect(await run(inputs, log)).toEqual({ stdout: "in v\n", stderr: "bad" });
    expect(log.lines.sort()).toEqual(["", "bad", "in v"]);
  });

  test("shows only the streams that logging names, the last line even if it is unfinished", async () => {
    const log = context();
    await run({ create: "echo out; printf err >&2", logging: "stderr" }, log);
    expect(log.lines).toEqual(["err"]);
  });

  test("runs in its folder, by its interpreter", async () => {
    const inputs = { create: "console.log(process.cwd())", interpreter: [process.execPath, "-e"], dir: "/" };
    expect(await run(inputs)).toEqual({ stdout: "/", stderr: "" });
  });

  test("fails with its exit status and all that it printed", async () => {
    await expect(run({ create: "echo one; exit 3" })).rejects.toThrow(
      'exit status 3: running "echo one; exit 3":\none\n',
    );
    await expect(run({ create: "kill -9 $$" })).rejects.toThrow('signal: SIGKILL: running "kill -9 $$":\n');
    await expect(run({ create: "x", interpreter: ["/no/such"] })).rejects.toThrow("spawn /no/such ENOENT");
  });

  test("ends when the update is interrupted", async () => {
    const log = context();
    const failed = run({ create: "exec sleep 60" }, log);
    log.abort.abort();
    await expect(failed).rejects.toThrow("The operation was aborted");
  });

  test("sees the previous outputs on update and delete, unless told not to", async () => {
    const show = 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"';
    const previous = { stdout: "a", stderr: "b" };
    expect(await localCommand.update({ create: "false", update: show }, previous, context())).toMatchObject({
      stdout: "a/b",
    });
    const silent = { create: show, addPreviousOutputInEnv: false };
    expect(await localCommand.update(silent, previous, context())).toMatchObject({ stdout: "/" });
    const log = context();
    await localCommand.delete({ delete: show }, previous, log);
    expect(log.lines).toEqual(["a/b"]);
  });

  test("without a command does nothing and keeps its outputs", async () => {
    expect(await run({ delete: "false" })).toEqual({});
    expect(await localCommand.update({}, { stdout: "a", stderr: "b", x: 1 }, context())).toEqual({
      stdout: "a",
      stderr: "b",
    });
  });
});

describe("a remote command", () => {
  let host: TestHost;
  beforeEach(async () => {
    host = await startHost();
  });
  afterEach(() => host.stop());

  const connection = (over: object = {}) => ({
    host: "127.0.0.1",
    port: host.port,
    privateKey: host.privateKey,
    dialErrorLimit: 0,
    ...over,
  });
  const run = async (inputs: object, log = context()) =>
    (await remoteCommand.create({ connection: connection(), ...inputs }, log)).outputs;

  test("runs with its standard input and environment and gives its outputs", async () => {
    const log = context();
    const inputs = { create: 'cat; echo " $APP_X"; echo bad >&2', stdin: "in", environment: { APP_X: "v" } };
    expect(await run(inputs, log)).toEqual({ stdout: "in v", stderr: "bad" });
    expect(log.lines.sort()).toEqual(["bad", "in v"]);
    expect(host.commands).toEqual(["printenv APP_X >/dev/null", inputs.create]);
  });

  test("fails with its exit status and all that it printed", async () => {
    await expect(run({ create: "echo one; exit 3" })).rejects.toThrow(
      'Process exited with status 3: running "echo one; exit 3":\none\n',
    );
    await expect(run({ create: "kill -9 $$" })).rejects.toThrow(
      'Process exited from signal SIGKILL: running "kill',
    );
    await expect(run({ create: "hang up" })).rejects.toThrow(
      'wait: remote command exited without exit status or exit signal: running "hang up":\n',
    );
  });

  test("fails when the server doesn't accept its environment, and runs nothing", async () => {
    await expect(run({ create: "echo ran", environment: { APP_X: "v", OTHER: "secret" } })).rejects.toThrow(
      `environment: the SSH server doesn't accept all of the variables (got ["APP_X","OTHER"]). Name them in AcceptEnv of its sshd_config, or put 'NAME=value' before the command, or use stdin.`,
    );
    expect(host.commands).toEqual(["printenv APP_X OTHER >/dev/null"]);
  });

  test("goes on when the server doesn't accept the previous outputs", async () => {
    const inputs = { connection: connection(), create: "echo again", delete: "echo gone" };
    expect(await remoteCommand.update(inputs, { stdout: "a", stderr: "" }, context())).toMatchObject({
      stdout: "again",
    });
    await remoteCommand.delete(inputs, { stdout: "a", stderr: "" }, context());
    expect(host.commands).toEqual(["echo again", "echo gone"]);
  });

  test("is let in by password, too", async () => {
    const byPassword = connection({ privateKey: undefined, password: PASSWORD });
    expect(await run({ create: "echo in", connection: byPassword })).toMatchObject({ stdout: "in" });
  });

  test("checks the host's key when it is told which", async () => {
    const known = connection({ hostKey: host.hostKey });
    expect(await run({ create: "echo in", connection: known })).toMatchObject({ stdout: "in" });
    const other = await startHost();
    await other.stop();
    await expect(
      run({ create: "echo in", connection: connection({ hostKey: other.hostKey }) }),
    ).rejects.toThrow(
      `root@127.0.0.1:${host.port}: cannot connect by SSH: Host denied (verification failed). Gave up after 1 attempts; check the host's address, its firewall and the key.`,
    );
    await expect(run({ create: "echo in", connection: connection({ hostKey: "nonsense" }) })).rejects.toThrow(
      "connection.hostKey: Unsupported key format; expected a line as in authorized_keys, such as ssh-ed25519 AAAA….",
    );
  });

  test("waits for a host that isn't up yet", async () => {
    await host.stop();
    const log = context();
    const output = run(
      { create: "echo up", connection: connection({ dialErrorLimit: -1, password: PASSWORD }) },
      log,
    );
    while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    host = await startHost({ port: host.port });
    expect(await output).toMatchObject({ stdout: "up" });
    expect(log.lines[0]).toBe("Dial 1/inf failed: retrying");
  });

  test("gives up after as many failed attempts as it may have, or when interrupted", async () => {
    await host.stop();
    const log = context();
    await expect(run({ create: "echo", connection: connection({ dialErrorLimit: 1 }) }, log)).rejects.toThrow(
      `root@127.0.0.1:${host.port}: cannot connect by SSH: Error: connect ECONNREFUSED 127.0.0.1:${host.port}. Gave up after 2 attempts; check the host's address, its firewall and the key.`,
    );
    expect(log.lines).toEqual(["Dial 1/1 failed: retrying"]);
    const interrupted = context();
    const failed = run({ create: "echo", connection: connection({ dialErrorLimit: -1 }) }, interrupted);
    interrupted.abort.abort();
    await expect(failed).rejects.toThrow("aborted");
  });

  test("ends when the update is interrupted", async () => {
    const log = context();
    const failed = run({ create: "echo started; exec sleep 60" }, log);
    while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    log.abort.abort();
    await expect(failed).rejects.toThrow("wait: remote command exited without exit status or exit signal");
  });

  test("refuses what it cannot do", () => {
    const proxied = remoteCommand.schema.safeParse({
      connection: connection({ proxy: { host: "bastion" } }),
    });
    expect(proxied.error?.issues).toMatchObject([
      { path: ["connection"], message: 'Unrecognized key: "proxy"' },
    ]);
  });
});

test("the wait between attempts grows by half, up to 5 s", () => {
  expect([1, 2, 3, 30].map(dialDelayMs)).toEqual([100, 150, 225, 5000]);
});
