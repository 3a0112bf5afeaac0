/** A circle of needs: each server needs the next one, and the last needs the first. */
export type NeedCycle = readonly [string, ...string[]];

/**
 * Finds circles among the needs of servers: none exactly where there is none, else at least one in every group of
 * servers that need each other. Servers that need themselves are left to another check.
 *
 * @param needs The names that each server needs
 */
export function needCycles(needs: ReadonlyMap<string, readonly string[]>): NeedCycle[] {
  const cycles: NeedCycle[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (name: string): void => {
    const start = trail.indexOf(name);
    if (start >= 0) cycles.push([name, ...trail.slice(start + 1)]);
    if (start >= 0 || done.has(name)) return;
    trail.push(name);
    for (const need of needs.get(name) ?? []) if (need !== name) visit(need);
    trail.pop();
    done.add(name);
  };
  for (const name of needs.keys()) visit(name);
  return cycles;
}
