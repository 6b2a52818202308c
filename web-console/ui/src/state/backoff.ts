const FIRST_MS = 500;
const MOST_MS = 15_000;

/** How long to wait before the next try to connect. Half is chance, so that all consoles do not come back at once. */
export function backoffMs(failures: number, chance: number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** failures);
  return most / 2 + (most / 2) * chance;
}
