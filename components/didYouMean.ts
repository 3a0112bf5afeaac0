/** Levenshtein distance: the fewest single-character edits that turn one text into the other. */
function distance(from: string, to: string): number {
  const [a, b] = [Array.from(from), Array.from(to)];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, left] of a.entries()) {
    const current = [i + 1];
    for (const [j, right] of b.entries()) {
      const substitution = (previous[j] ?? 0) + (left === right ? 0 : 1);
      current.push(Math.min(substitution, (previous[j + 1] ?? 0) + 1, (current[j] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known name nearest to a mistyped one, or `undefined` when none is near (more than a third of it differs). */
export function didYouMean(typed: string, known: Iterable<string>): string | undefined {
  const near = [...known]
    .map((name) => ({ name, edits: distance(typed, name) }))
    .filter(({ edits }) => edits <= Math.max(1, Math.floor(typed.length / 3)));
  return near.sort((a, b) => a.edits - b.edits || a.name.localeCompare(b.name))[0]?.name;
}
