/** One running instance: its disk, its SSH server, its services. */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseUserData } from "./cloudInit";
import { type DiskLayout, ensureDisk, writeOnDisk } from "./disk";
import type { InstanceSnapshot } from "./instance";
import { runOnDisk } from "./isolation";
import { type ClusterRegistry, K3s } from "./k3s";
import { answer } from "./programs";
import type { RequestServer } from "./requests";
import { SshServer } from "./sshServer";
import { Systemd } from "./systemd";

/** An instance that has an address. */
export type ReachableInstance = InstanceSnapshot & { readonly ip: string };

/** What all hosts share. */
export interface HostEnvironment {
  /** The port of every instance's SSH server. */
  readonly sshPort: number;
  readonly requests: RequestServer;
  readonly clusters: ClusterRegistry;
  /** The machine's kubectl. @default - `k3s kubectl` doesn't work */
  readonly kubectl?: string | undefined;
}

/** Boots, shuts down and retires one instance. */
export class Host {
  private readonly token = randomBytes(16).toString("hex");
  private readonly k3s: K3s;
  private readonly systemd: Systemd;
  private ssh: SshServer | undefined;

  constructor(
    private readonly disk: DiskLayout,
    readonly instance: ReachableInstance,
    private readonly environment: HostEnvironment,
  ) {
    this.k3s = new K3s(disk, instance, environment.clusters);
    this.systemd = new Systemd(disk, this.k3s);
  }

  /** Makes the disk at the first boot, starts what ran before, and lets users in. */
  async boot(): Promise<void> {
    const { disk, instance, environment, systemd } = this;
    ensureDisk(disk, instance);
    writeOnDisk(disk, "/run/sandbox", `${environment.requests.port} ${this.token}\n`, 0o600);
    const { hostKey, authorizedKeys, files, script } = parseUserData(instance.userData);
    const hostKeyFile = join(disk.dir, "host-key");
    const booted = existsSync(join(disk.dir, "booted"));
    if (!booted && hostKey !== undefined) writeFileSync(hostKeyFile, hostKey, { mode: 0o600 });
    const firstBoot = booted ? Promise.resolve(true) : this.firstBoot(files, script);
    environment.requests.register(this.token, (program, args) =>
      answer({ instance, systemd, firstBoot }, program, args),
    );
    const ssh = new SshServer({
      address: instance.ip,
      port: environment.sshPort,
      hostKeyFile,
      publicKeys: [...instance.sshPublicKeys, ...authorizedKeys],
      run: (command, env) =>
        runOnDisk(disk, { command, env, hostname: instance.hostname, kubectl: environment.kubectl }),
    });
    await ssh.listen();
    this.ssh = ssh;
    systemd.restore();
  }

  /** Ends all sessions and lets no one in any more. */
  async disconnect(): Promise<void> {
    await this.ssh?.close();
    this.ssh = undefined;
  }

  /** Ends everything; a later boot of the same disk goes on. */
  async shutdown(): Promise<void> {
    await this.disconnect();
    await this.systemd.shutdown();
    this.environment.requests.unregister(this.token);
  }

  /** Ends everything for good: the node leaves its cluster. The disk stays for the caller to delete. */
  async retire(): Promise<void> {
    await this.shutdown();
    await this.k3s.leave();
  }

  private firstBoot(
    files: readonly { readonly path: string; readonly content: string; readonly mode: number }[],
    script: string,
  ): Promise<boolean> {
    for (const { path, content, mode } of files) writeOnDisk(this.disk, path, content, mode);
    writeFileSync(join(this.disk.dir, "booted"), "");
    if (script === "") return Promise.resolve(true);
    const env = { HOME: "/root", USER: "root", LOGNAME: "root" };
    const child = runOnDisk(this.disk, { command: undefined, env, hostname: this.instance.hostname });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdin.end(script);
    return new Promise((resolve) => {
      child.once("close", (code) => {
        if (existsSync(this.disk.root)) writeOnDisk(this.disk, "/var/log/cloud-init-output.log", output);
        resolve(code === 0);
      });
    });
  }
}
