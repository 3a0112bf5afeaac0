import axios, { AxiosError, type AxiosInstance } from "axios";
import { z } from "zod";
import { errorFromAnswer, errorWithoutAnswer, LambdaCloudError } from "./errors";
import { systemClock, type Clock, type Limiter, type Pace } from "./limiter";
import * as schemas from "./schemas";

export interface ClientOptions extends Pace {
  /** Base URL, such as `https://cloud.lambda.ai/api/v1`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly limiter: Limiter;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Ends requests that are under way, and those to come. @default - never */
  readonly signal?: AbortSignal;
}

interface Call<T> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly reply: z.ZodType<T>;
  readonly body?: unknown;
  /** May be sent again when its outcome is unknown. */
  readonly repeatable: boolean;
}

/** What an answer carries: of a list perhaps one part, and the token of the next. */
interface Page<T> {
  readonly data: T;
  readonly page_token?: string | null | undefined;
}

/** A launch may take long to answer, and giving up early turns a success into an unknown outcome. */
const LAUNCH_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 30_000;
const ATTEMPTS = 6;
/** Nothing is sent again later than this after the first time. */
const DEADLINE_MS = 300_000;
const BACKOFF_MS = 1_000;
const BACKOFF_CAP_MS = 30_000;
const LAUNCH = "/instance-operations/launch";

/**
 * Lambda Cloud's REST API (https://docs.lambda.ai/api/cloud). Every reply is checked against its schema, every request
 * waits its turn at the limiter. Requests that change nothing when sent twice are sent again after a fault; a launch
 * only when the API turned it away unseen.
 *
 * @throws LambdaCloudError from every method
 */
export class LambdaCloudClient {
  readonly #http: AxiosInstance;
  readonly #limiter: Limiter;
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;

  constructor({
    apiUrl,
    apiKey,
    limiter,
    clock = systemClock,
    requestIntervalMs,
    launchIntervalMs,
    signal,
  }: ClientOptions) {
    this.#limiter = limiter;
    this.#clock = clock;
    this.#signal = signal;
    this.#pace = { requestIntervalMs, launchIntervalMs };
    this.#http = axios.create({
      baseURL: apiUrl,
      headers: { Authorization: `Bearer ${apiKey}`, "User-Agent": "sophia-ai-platform" },
      maxRedirects: 0,
      validateStatus: () => true,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  listInstances(): Promise<schemas.Instance[]> {
    return this.#list("/instances", schemas.instanceSchema);
  }

  /**
   * @returns undefined when there is no such instance. A 404 alone does not say so: a wrong base URL gives one too, and
   *   believing it would make the engine forget machines that run. The list has to agree.
   */
  async getInstance(id: string): Promise<schemas.Instance | undefined> {
    const found = await this.#absentIfGone(
      this.#get(`/instances/${encodeURIComponent(id)}`, schemas.instanceSchema),
    );
    return found ?? (await this.listInstances()).find((instance) => instance.id === id);
  }

  /** @returns The ids of what was launched; the API launches one at a time */
  async launch(request: schemas.LaunchRequest): Promise<string[]> {
    const body = schemas.launchRequestSchema.parse(request);
    return (await this.#create(LAUNCH, body, schemas.launchReplySchema)).instance_ids;
  }

  renameInstance(id: string, name: string): Promise<schemas.Instance> {
    const body = schemas.renameRequestSchema.parse({ name });
    return this.#send({
      method: "POST",
      path: `/instances/${encodeURIComponent(id)}`,
      body,
      reply: schemas.instanceSchema,
      repeatable: true,
    });
  }

  async terminate(id: string): Promise<void> {
    const body = { instance_ids: [id] };
    await this.#send({
      method: "POST",
      path: "/instance-operations/terminate",
      body,
      reply: schemas.terminateReplySchema,
      repeatable: true,
    });
  }

  listInstanceTypes(): Promise<schemas.InstanceTypes> {
    return this.#get("/instance-types", schemas.instanceTypesSchema);
  }

  /** @returns undefined from versions of the API that have no such route */
  async listRegions(): Promise<schemas.Region[] | undefined> {
    return this.#absentIfGone(this.#list("/regions", schemas.regionSchema));
  }

  listSshKeys(): Promise<schemas.SshKey[]> {
    return this.#list("/ssh-keys", schemas.sshKeySchema);
  }

  /** Without a public key the API makes a pair, and shows the private half this once. */
  addSshKey(name: string, publicKey?: string): Promise<schemas.GeneratedSshKey> {
    const body = schemas.addSshKeyRequestSchema.parse({ name, public_key: publicKey });
    return this.#create("/ssh-keys", body, schemas.generatedSshKeySchema);
  }

  /** Succeeds when the key is gone already. */
  deleteSshKey(id: string): Promise<void> {
    return this.#delete("/ssh-keys", id);
  }

  listFileSystems(): Promise<schemas.FileSystem[]> {
    return this.#list("/file-systems", schemas.fileSystemSchema);
  }

  createFileSystem(name: string, region: string): Promise<schemas.FileSystem> {
    const body = schemas.createFileSystemRequestSchema.parse({ name, region });
    return this.#create("/filesystems", body, schemas.fileSystemSchema);
  }

  /** Succeeds when the file system is gone already; refused as long as an instance holds it. */
  deleteFileSystem(id: string): Promise<void> {
    return this.#delete("/filesystems", id);
  }

  listFirewallRulesets(): Promise<schemas.FirewallRuleset[]> {
    return this.#list("/firewall-rulesets", schemas.firewallRulesetSchema);
  }

  createFirewallRuleset(request: schemas.CreateFirewallRulesetRequest): Promise<schemas.FirewallRuleset> {
    const body = schemas.createFirewallRulesetRequestSchema.parse(request);
    return this.#create("/firewall-rulesets", body, schemas.firewallRulesetSchema);
  }

  /**
   * @param id Of a ruleset, or `global` for the rules of every instance of the workspace
   * @returns undefined when there is no such ruleset; the list says so, a 404 alone does not
   */
  async getFirewallRules(id: string): Promise<schemas.FirewallRule[] | undefined> {
    if (id === "global")
      return (await this.#get("/firewall-rulesets/global", schemas.firewallRulesSchema)).rules;
    return (await this.listFirewallRulesets()).find((ruleset) => ruleset.id === id)?.rules;
  }

  /**
   * Replaces the name, or all rules. It is not sent again when its outcome is unclear: meanwhile somebody else may have
   * changed the rules, so they have to be read first.
   *
   * @param id Of a ruleset, or `global`, which has no name to change
   */
  async updateFirewallRuleset(
    id: string,
    change: { readonly name?: string; readonly rules?: schemas.FirewallRuleRequest[] },
  ): Promise<void> {
    await this.#send({
      method: "PATCH",
      path: `/firewall-rulesets/${encodeURIComponent(id)}`,
      body: schemas.updateFirewallRulesetRequestSchema.parse(change),
      reply: z.unknown(),
      repeatable: false,
    });
  }

  /** Succeeds when the ruleset is gone already; refused as long as an instance holds it. */
  deleteFirewallRuleset(id: string): Promise<void> {
    return this.#delete("/firewall-rulesets", id);
  }

  /** The whole list: pages, where the API gives a part at a time, are put together. */
  async #list<T>(path: string, item: z.ZodType<T>): Promise<T[]> {
    const items: T[] = [];
    const tokens = new Set<string>();
    for (let query = ""; ;) {
      const page = await this.#sendForPage({
        method: "GET",
        path: `${path}${query}`,
        reply: z.array(item),
        repeatable: true,
      });
      items.push(...page.data);
      const { page_token: token } = page;
      if (!token) return items;
      if (tokens.has(token)) {
        throw new LambdaCloudError({
          kind: "ambiguous",
          request: `GET ${path}`,
          code: "unreadable-answer",
          message: "the list has no end: a page token came twice",
        });
      }
      tokens.add(token);
      query = `?page_token=${encodeURIComponent(token)}`;
    }
  }

  /** Never sent again when its outcome is unclear: what it makes could be there twice. */
  #create<T>(path: string, body: unknown, reply: z.ZodType<T>): Promise<T> {
    return this.#send({ method: "POST", path, body, reply, repeatable: false });
  }

  async #delete(collection: string, id: string): Promise<void> {
    const path = `${collection}/${encodeURIComponent(id)}`;
    await this.#absentIfGone(this.#send({ method: "DELETE", path, reply: z.unknown(), repeatable: true }));
  }

  #get<T>(path: string, reply: z.ZodType<T>): Promise<T> {
    return this.#send({ method: "GET", path, reply, repeatable: true });
  }

  async #absentIfGone<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof LambdaCloudError && error.kind === "refused" && error.status === 404)
        return undefined;
      throw error;
    }
  }

  async #send<T>(call: Call<T>): Promise<T> {
    return (await this.#sendForPage(call)).data;
  }

  async #sendForPage<T>(call: Call<T>): Promise<Page<T>> {
    const deadline = this.#clock.now() + DEADLINE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(call);
      } catch (error) {
        if (!(error instanceof LambdaCloudError) || attempt >= ATTEMPTS || !mayRepeat(error, call))
          throw error;
        const pause = error.retryAfterMs ?? backoff(attempt, this.#pace.requestIntervalMs);
        if (this.#signal?.aborted || this.#clock.now() + pause > deadline) throw error;
        await this.#clock.sleep(pause);
      }
    }
  }

  async #sendOnce<T>({ method, path, body, reply }: Call<T>): Promise<Page<T>> {
    const request = `${method} ${path}`;
    const isLaunch = path === LAUNCH;
    await (isLaunch ? this.#limiter.launch(this.#pace) : this.#limiter.request(this.#pace));
    const answer = await this.#http
      .request<unknown>({ method, url: path, data: body, timeout: isLaunch ? LAUNCH_TIMEOUT_MS : TIMEOUT_MS })
      .catch((error: unknown) => {
        // The axios error carries the request with its key: nothing but its code leaves this place.
        throw errorWithoutAnswer(request, error instanceof AxiosError ? error.code : undefined);
      });
    if (answer.status < 200 || answer.status > 299) {
      const retryAfter: unknown = answer.headers["retry-after"];
      throw errorFromAnswer(
        request,
        answer.status,
        answer.data,
        typeof retryAfter === "string" ? retryAfter : undefined,
      );
    }
    const parsed = schemas.dataOf(reply).safeParse(answer.data);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new LambdaCloudError({
      kind: "ambiguous",
      request,
      code: "unreadable-answer",
      status: answer.status,
      message: `the answer is not what the API documents (at ${where === "" ? "its root" : where})`,
    });
  }
}

function mayRepeat(error: LambdaCloudError, { repeatable }: Pick<Call<unknown>, "repeatable">): boolean {
  switch (error.kind) {
    case "rate-limited":
    case "unsent":
      return true;
    case "ambiguous":
      return repeatable;
    case "refused":
      return false;
  }
}

/** Doubling pauses with jitter, in proportion to the pace of requests (a second by default). */
function backoff(attempt: number, requestIntervalMs: number): number {
  const scale = requestIntervalMs / 1_000;
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** (attempt - 1)) * scale;
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
