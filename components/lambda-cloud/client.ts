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
}

interface Call<T> {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly reply: z.ZodType<T>;
  readonly body?: unknown;
  /** May be sent again when its outcome is unknown. */
  readonly repeatable: boolean;
}

/** A launch may take long to answer, and giving up early turns a success into an unknown outcome. */
const LAUNCH_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 30_000;
const ATTEMPTS = 6;
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

  constructor({
    apiUrl,
    apiKey,
    limiter,
    clock = systemClock,
    requestIntervalMs,
    launchIntervalMs,
  }: ClientOptions) {
    this.#limiter = limiter;
    this.#clock = clock;
    this.#pace = { requestIntervalMs, launchIntervalMs };
    this.#http = axios.create({
      baseURL: apiUrl,
      headers: { Authorization: `Bearer ${apiKey}`, "User-Agent": "sophia-ai-platform" },
      maxRedirects: 0,
      validateStatus: () => true,
    });
  }

  listInstances(): Promise<schemas.Instance[]> {
    return this.#get("/instances", z.array(schemas.instanceSchema));
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
    const reply = await this.#send({
      method: "POST",
      path: LAUNCH,
      body,
      reply: schemas.launchReplySchema,
      repeatable: false,
    });
    return reply.instance_ids;
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
    return this.#absentIfGone(this.#get("/regions", z.array(schemas.regionSchema)));
  }

  listSshKeys(): Promise<schemas.SshKey[]> {
    return this.#get("/ssh-keys", z.array(schemas.sshKeySchema));
  }

  addSshKey(name: string, publicKey: string): Promise<schemas.SshKey> {
    const body = schemas.addSshKeyRequestSchema.parse({ name, public_key: publicKey });
    return this.#send({
      method: "POST",
      path: "/ssh-keys",
      body,
      reply: schemas.sshKeySchema,
      repeatable: false,
    });
  }

  /** Succeeds when the key is gone already. */
  async deleteSshKey(id: string): Promise<void> {
    const call = {
      method: "DELETE",
      path: `/ssh-keys/${encodeURIComponent(id)}`,
      reply: z.unknown(),
      repeatable: true,
    } as const;
    await this.#absentIfGone(this.#send(call));
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
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(call);
      } catch (error) {
        if (!(error instanceof LambdaCloudError) || attempt >= ATTEMPTS || !mayRepeat(error, call))
          throw error;
        await this.#clock.sleep(error.retryAfterMs ?? backoff(attempt, this.#pace.requestIntervalMs));
      }
    }
  }

  async #sendOnce<T>({ method, path, body, reply }: Call<T>): Promise<T> {
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
    if (parsed.success) return parsed.data.data;
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
