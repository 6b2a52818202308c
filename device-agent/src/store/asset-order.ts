// Which asset is fetched next, and when: decided here, without disk or network.
import { priorityRank, type MediaTime, type PlanItem } from '@loalang/shared';

export interface WantedAsset {
  readonly sha256: string;
  readonly bytes: number;
  readonly dueAt: MediaTime;
  readonly rank: number;
}

/** What is due within this is fetched at once, the most urgent first. */
const SOON_US = 600 * 1e6;

/** The assets that the plan still needs, one entry each, in the order in which to fetch them. */
export function wantedAssets(items: readonly PlanItem[], now: MediaTime | null): WantedAsset[] {
  const wanted = new Map<string, WantedAsset>();
  for (const { asset, startAt, durationMs, priority } of items) {
    if (now !== null && startAt + durationMs * 1000 <= now) continue;
    const known = wanted.get(asset.sha256);
    wanted.set(asset.sha256, {
      ...asset,
      dueAt: known !== undefined && known.dueAt < startAt ? known.dueAt : startAt,
      rank: Math.max(priorityRank(priority), known?.rank ?? 0),
    });
  }
  return [...wanted.values()].toSorted((a, b) => compare(a, b, now));
}

/** Is this due so soon that it should not wait for its turn in a spread? */
export function isDueSoon(asset: WantedAsset, now: MediaTime | null): boolean {
  return now === null || asset.dueAt - now <= SOON_US;
}

// Soon before later; among what is soon the higher bulletin first; then by time.
function compare(a: WantedAsset, b: WantedAsset, now: MediaTime | null): number {
  const soonA = isDueSoon(a, now);
  const soonB = isDueSoon(b, now);
  if (soonA !== soonB) return soonA ? -1 : 1;
  return (soonA ? b.rank - a.rank : 0) || a.dueAt - b.dueAt || b.rank - a.rank;
}
