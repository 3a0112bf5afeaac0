/** What the official document of the Lambda Cloud API (lambda-openapi.json, a cut of it) says against requests and replies. */
import Ajv from "ajv/dist/2020";
import document from "./lambda-openapi.json";

interface Operation {
  /** @default - it has no body */
  readonly request?: { readonly required: boolean };
  readonly replies: Readonly<Record<string, unknown>>;
}
const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = document.paths;

/** Statuses that the API gives without documenting them: wrong method, too fast, trouble upstream. */
const UNDOCUMENTED = [405, 429, 503];

const network = /^(25[0-5]|(2[0-4]|1?\d)?\d)(\.(25[0-5]|(2[0-4]|1?\d)?\d)){3}(\/(3[0-2]|[12]?\d))?$/;
const ajv = new Ajv({
  strict: false,
  formats: {
    "date-time": (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
    ipv4network: network,
    password: true,
  },
});
ajv.addSchema(document, "replies");
ajv.addSchema(closed(document), "requests");

/** The document leaves objects open, for replies to grow; a request has no business with fields that it does not name. */
function closed(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    typeof value === "object" && value !== null && "properties" in value
      ? { additionalProperties: false, ...value }
      : value,
  ) as object;
}

/** The documented path that a path is one of; a literal one wins over a template. */
function documented(pathname: string): string | undefined {
  const matches = (known: string) => new RegExp(`^${known.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
  return pathname in paths ? pathname : Object.keys(paths).find(matches);
}

/** Where the document speaks of a request, and what it says there. */
function lookUp(method: string, path: string) {
  const [pathname = ""] = path.split("?", 1);
  const place = { path: documented(pathname) ?? "", method: method.toLowerCase() };
  return { name: `${method} ${pathname}`, place, operation: paths[place.path]?.[place.method] };
}

/** What a schema of the document says against a value. It is compiled once. */
function contradictions(of: "requests" | "replies", keys: readonly string[], value: unknown): string[] {
  const pointer = keys.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1")));
  const validate = ajv.getSchema(`${of}#/paths/${pointer.join("/")}`);
  if (validate === undefined) throw new Error(`lambda-openapi.json: nothing at ${keys.join(" ")}`);
  return validate(value) ? [] : [ajv.errorsText(validate.errors, { dataVar: "body" })];
}

/**
 * What the document says against a request; empty when it agrees.
 *
 * @param path Below the base URL; a query is not looked at
 * @param body `undefined` for none
 */
export function requestContradictions(method: string, path: string, body: unknown): string[] {
  const { name, place, operation } = lookUp(method, path);
  if (operation === undefined) return [`${name}: not documented`];
  const { request } = operation;
  if (request === undefined) return body === undefined ? [] : [`${name}: no body is documented`];
  if (body === undefined) return request.required ? [`${name}: the body is missing`] : [];
  const found = contradictions("requests", [place.path, place.method, "request", "schema"], body);
  return found.map((text) => `${name}: ${text}`);
}

/** What the document says against a reply; empty when it agrees, or knows nothing of such a request. */
export function replyContradictions(method: string, path: string, status: number, body: unknown): string[] {
  const { name, place, operation } = lookUp(method, path);
  if (operation === undefined || UNDOCUMENTED.includes(status)) return [];
  if (!(status in operation.replies)) return [`${name}: status ${status} is not documented`];
  const found = contradictions("replies", [place.path, place.method, "replies", String(status)], body);
  return found.map((text) => `${name} ${status}: ${text}`);
}
