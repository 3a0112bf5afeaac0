/** Which request does what: https://docs.lambda.ai/api/cloud. */
import { ApiFailure, invalid, notFound } from "../apiFailure";
import { fileSystemRoutes } from "./fileSystems";
import { firewallRoutes } from "./firewall";
import { instanceRoutes } from "./instances";
import { offerRoutes } from "./offers";
import type { Route } from "./route";
import { sshKeyRoutes } from "./sshKeys";

export const routes: readonly Route[] = [
  ...instanceRoutes,
  ...offerRoutes,
  ...sshKeyRoutes,
  ...fileSystemRoutes,
  ...firewallRoutes,
];

/** A route's name in faults and logs: `POST /instances/{id}`. */
export const routeName = ({ method, path }: Pick<Route, "method" | "path">): string => `${method} ${path}`;

/** A route that a request asks for, and the id in its path as it was written. */
export interface Found {
  readonly route: Route;
  readonly id: string;
}

/** The routes of a path, whatever the method; one that has the path literally comes before one with an id. */
export function routesOf(path: string): readonly Found[] {
  const folder = path.replace(/[^/]*$/, "{id}");
  const literal = routes.filter((route) => route.path === path);
  const matching = literal.length > 0 ? literal : routes.filter((route) => route.path === folder);
  return matching.map((route) => ({ route, id: route.path === path ? "" : path.slice(folder.length - 4) }));
}

/** @throws ApiFailure 404 for a path that isn't there, 405 for a method that it hasn't */
export function findRoute(method: string, path: string): Found {
  const candidates = routesOf(path);
  const found = candidates.find(({ route }) => route.method === method);
  if (found !== undefined) return found;
  if (candidates.length > 0) throw new ApiFailure(405, "global/not-found", "Method Not Allowed");
  throw notFound();
}

/** An id without its dashes. @throws ApiFailure if it is none */
export function normalId({ route, id }: Found): string {
  if (!route.path.endsWith("{id}")) return "";
  const digits = id.replaceAll("-", "").toLowerCase();
  if (/^[0-9a-f]{32}$/.test(digits)) return digits;
  throw invalid(
    `Error in request path at 'id': Input should be a valid UUID, invalid length: expected length 32 for simple format, found ${digits.length}`,
  );
}
