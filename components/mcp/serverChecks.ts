import type { Problem } from "../problems";
import { parseCpu, parseMemory } from "../quantity";
import type { McpServer } from "./catalog";

/** Where a user finds a server's setting: `mcp.servers.<name>.<field>`. */
export const at = (name: string, ...fields: string[]): string => ["mcp.servers", name, ...fields].join(".");

/** Whether a number can count pods or GPUs. */
export const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0;

const UPPER_SNAKE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const REPOSITORY = /^([a-z0-9.-]+(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Tags that by convention move to another image. */
const MUTABLE_TAG =
  /^(latest|main|master|trunk|head|edge|nightly|canary|dev(el(op(ment)?)?)?|test(ing)?|stag(e|ing)|stable|prod(uction)?|release)$/i;

/** Variables that are derived from `port`; a second source of truth is how they came to disagree. */
const PORT_VARIABLES = new Set(["PORT", "MCP_PORT", "MCP_SERVER_PORT"]);

function checkNetwork({ name, port, healthPath, metrics }: McpServer): Problem[] {
  const problems: Problem[] = [];
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    problems.push({
      path: at(name, "port"),
      what: "is not a port",
      got: port,
      expected: "a whole number from 1 to 65535",
    });
  }
  const paths = { healthPath, ...(metrics === undefined ? {} : { "metrics.path": metrics.path }) };
  for (const [field, path] of Object.entries(paths)) {
    if (path.startsWith("/")) continue;
    problems.push({
      path: at(name, field),
      what: "is not an absolute path",
      got: path,
      expected: 'a path that starts with "/"',
    });
  }
  return problems;
}

function checkCounts({ name, replicas, gpus }: McpServer): Problem[] {
  const problems: Problem[] = [];
  if (!isCount(replicas)) {
    problems.push({
      path: at(name, "replicas"),
      what: "is not a number of pods",
      got: replicas,
      expected: "a whole number, 0 or more",
    });
  }
  if (!isCount(gpus)) {
    problems.push({
      path: at(name, "gpus"),
      what: "is not a number of GPUs",
      got: gpus,
      expected: "a whole number, 0 or more",
      fix: "Kubernetes has no fractions of a GPU; share one between pods by time-slicing in the device plugin",
    });
  }
  return problems;
}

const QUANTITIES = [
  { field: "cpu", parse: parseCpu, example: '"500m"' },
  { field: "memory", parse: parseMemory, example: '"512Mi"' },
] as const;

function checkResources({ name, resources }: McpServer): Problem[] {
  const problems: Problem[] = [];
  for (const { field, parse, example } of QUANTITIES) {
    const [request, limit] = (["requests", "limits"] as const).map((side) => {
      const value = parse(resources[side][field]);
      if (value !== undefined && value > 0) return value;
      problems.push({
        path: at(name, "resources", side, field),
        what: `is not an amount of ${field}`,
        got: resources[side][field],
        expected: `a Kubernetes quantity above zero, such as ${example}`,
      });
      return undefined;
    });
    if (request === undefined || limit === undefined || request <= limit) continue;
    problems.push({
      path: at(name, "resources.requests", field),
      what: "is more than the limit",
      got: resources.requests[field],
      expected: `at most ${resources.limits[field]}`,
      fix: `Lower it, or raise resources.limits.${field}`,
    });
  }
  return problems;
}

function checkImage({ name, image, tag, digest }: McpServer): Problem[] {
  const problems: Problem[] = [];
  if (image !== undefined && !REPOSITORY.test(image)) {
    problems.push({
      path: at(name, "image"),
      what: "is not an image repository",
      got: image,
      expected: 'registry and path without tag or digest, such as "ghcr.io/owner/name"',
      fix: "Put the tag into tag and the digest into digest",
    });
  }
  if (tag !== undefined && !TAG.test(tag)) {
    problems.push({
      path: at(name, "tag"),
      what: "is not an image tag",
      got: tag,
      expected: "letters, digits, dots, dashes and underscores, at most 128",
    });
  }
  if (tag !== undefined && MUTABLE_TAG.test(tag)) {
    problems.push({
      path: at(name, "tag"),
      what: "moves from image to image",
      got: tag,
      expected: "a tag that is never moved, such as a version",
      fix: "Name a version, or pin the image by digest alone",
    });
  }
  if (digest !== undefined && !DIGEST.test(digest)) {
    problems.push({
      path: at(name, "digest"),
      what: "is not an image digest",
      got: digest,
      expected: "sha256: and 64 hexadecimal digits in lower case",
    });
  }
  return problems;
}

function checkEnvironment({ name, secrets, env }: McpServer): Problem[] {
  const problems: Problem[] = secrets.flatMap((secret, i) =>
    UPPER_SNAKE.test(secret)
      ? []
      : [
          {
            path: at(name, `secrets[${i}]`),
            what: "is not the name of a secret",
            got: secret,
            expected: "UPPER_SNAKE_CASE, such as GITHUB_TOKEN",
          },
        ],
  );
  // Values stay out of these messages: a secret in the wrong place is still a secret.
  for (const variable of Object.keys(env)) {
    const path = at(name, "env", variable);
    if (!ENV_NAME.test(variable)) {
      problems.push({
        path,
        what: "is not the name of an environment variable",
        expected: "letters, digits and underscores, not starting with a digit",
      });
    } else if (secrets.includes(variable)) {
      problems.push({
        path,
        what: "is a secret of this server and would be readable in its pods",
        fix: "Remove it here and set it in the secret store",
      });
    } else if (PORT_VARIABLES.has(variable)) {
      problems.push({
        path,
        what: "is derived from the server's port",
        fix: "Remove it; the port is set in the catalog row",
      });
    }
  }
  return problems;
}

/** What is wrong with the values of one server by itself. */
export function checkServer(server: McpServer): Problem[] {
  return [checkNetwork, checkCounts, checkResources, checkImage, checkEnvironment].flatMap((check) =>
    check(server),
  );
}
