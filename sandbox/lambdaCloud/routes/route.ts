import type { z } from "zod";
import { invalid } from "../apiFailure";
import type { Cloud } from "../cloud";
import type { Fault } from "../faults";

/** One request, as far as a route is concerned with it. */
export interface Call {
  readonly cloud: Cloud;
  /** The `{id}` of the path: 32 hexadecimal digits. */
  readonly id: string;
  /** What is to go wrong. @default - nothing */
  readonly fault: Fault | undefined;
  /**
   * Reads and checks the body. Routes with an id first look whether there is such a thing, as the API does.
   *
   * @throws ApiFailure with the first mistake
   */
  readonly body: <T>(schema: z.ZodType<T>) => T;
}

/** What one method does on one path. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the base URL, ids as `{id}`. */
  readonly path: string;
  /** @returns What comes under `data`. @throws ApiFailure */
  readonly handle: (call: Call) => unknown;
}

/** Parses and checks the body of a request. @throws ApiFailure with the first mistake, and no value in it */
export function parseBody<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw invalid(`Error in request body${path === "" ? "" : ` at '${path}'`}: ${issue?.message ?? ""}`);
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw invalid();
  }
}
