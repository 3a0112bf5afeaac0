/** A simulator on a clock that stands still, and a client that checks every answer against the official document. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { utils as ssh } from "ssh2";
import type { Instance } from "../../../components/lambda-cloud/schemas";
import { ManualClock } from "../../../sandbox/lambdaCloud/clock";
import { LambdaSimulator, type SimulatorOptions } from "../../../sandbox/lambdaCloud/simulator";
import { replyContradictions } from "../../support/lambdaContract";

const KEY = "secret_test";

/** Of a pair that nobody keeps. */
export const PUBLIC_KEY = ssh.generateKeyPairSync("ecdsa", { bits: 256 }).public;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** `undefined` when the answer is not JSON. */
  readonly json:
    | { readonly data?: unknown; readonly error?: { readonly code: string; readonly message: string } }
    | undefined;
}

function parseJson(text: string): Answer["json"] {
  try {
    return JSON.parse(text) as Answer["json"];
  } catch {
    return undefined;
  }
}

export class Fixture {
  readonly clock = new ManualClock();
  readonly dir = mkdtempSync(path.join(tmpdir(), "sophia-simulator-"));
  readonly token = "admin";
  simulator!: LambdaSimulator;
  url = "";

  /** One that has started, with an SSH key named `key`. */
  static async withKey(): Promise<Fixture> {
    const fixture = new Fixture();
    await fixture.start();
    await fixture.data("POST", "/ssh-keys", { name: "key", public_key: PUBLIC_KEY });
    return fixture;
  }

  /** @param prepare Called before it starts. @default - nothing */
  async start(
    options: Partial<SimulatorOptions> = {},
    prepare: (simulator: LambdaSimulator) => void = () => undefined,
  ): Promise<void> {
    const stateFile = path.join(this.dir, "state.json");
    this.simulator = new LambdaSimulator({
      stateFile,
      apiKey: KEY,
      adminToken: this.token,
      clock: this.clock,
      ...options,
    });
    prepare(this.simulator);
    ({ url: this.url } = await this.simulator.start());
  }

  async dispose(): Promise<void> {
    await this.simulator.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** One request, a virtual second after the last, so that the rate limit lets it through. */
  async call(
    method: string,
    pathname: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    this.clock.advance(1);
    const response = await fetch(`${this.url}${pathname}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, "user-agent": "test", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = parseJson(text);
    if (json !== undefined) expect(replyContradictions(method, pathname, response.status, json)).toEqual([]);
    return { status: response.status, text, headers: response.headers, json };
  }

  async data<T>(method: string, pathname: string, body?: unknown): Promise<T> {
    const { status, text, json } = await this.call(method, pathname, body);
    if (status !== 200) throw new Error(`${method} ${pathname}: ${status} ${text}`);
    return json?.data as T;
  }

  async admin(method: string, pathname: string, body?: unknown, token = this.token): Promise<Answer> {
    const response = await fetch(`${this.url.replace("/api/v1", "/admin")}${pathname}`, {
      method,
      headers: { "x-admin-token": token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, headers: response.headers, json: parseJson(text) };
  }

  /** Launches after the launch limit has passed. */
  async launch(change: Record<string, unknown> = {}): Promise<Answer> {
    this.clock.advance(12);
    return this.call("POST", "/instance-operations/launch", {
      region_name: "us-east-1",
      instance_type_name: "gpu_1x_a10",
      ssh_key_names: ["key"],
      ...change,
    });
  }

  /** Launches, and gives the id. */
  async launched(change: Record<string, unknown> = {}): Promise<string> {
    const { json, text } = await this.launch(change);
    const [id] = (json?.data as { instance_ids?: string[] } | undefined)?.instance_ids ?? [];
    if (id === undefined) throw new Error(text);
    return id;
  }

  show(id: string): Promise<Instance> {
    return this.data<Instance>("GET", `/instances/${id}`);
  }
}

/** Status, code and message of a refusal. */
export async function refusal(answer: Promise<Answer>): Promise<unknown[]> {
  const { status, json } = await answer;
  return [status, json?.error?.code, json?.error?.message];
}
