import type { IncomingMessage, ServerResponse } from "node:http";

/** More than the largest `user_data`, however it is escaped. */
const MAX_BODY_BYTES = 8_000_000;

/** The whole body. @throws Error if the other side hangs up, or sends too much */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`request: body is too long; expected ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Answers with text of some kind; nothing that this server says may be kept by a browser. */
export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { "content-type": contentType, "cache-control": "no-store", ...headers })
    .end(body);
}

export const sendJson = (response: ServerResponse, status: number, value: unknown): void => {
  send(response, status, "application/json", JSON.stringify(value));
};
