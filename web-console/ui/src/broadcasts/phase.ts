import type { Broadcast } from '@loalang/shared';
import { dayOf } from '../format/time.ts';

export type Phase = 'coming' | 'on-air' | 'over' | 'skipped';

/** Where a broadcast is in its life at a moment; `skipped` was stopped before it began. */
export function phaseOf(broadcast: Pick<Broadcast, 'startAt' | 'endAt' | 'stoppedAt'>, now: number): Phase {
  const { startAt, endAt, stoppedAt } = broadcast;
  if (stoppedAt !== null) return stoppedAt <= startAt ? 'skipped' : 'over';
  if (now < startAt) return 'coming';
  return now < endAt ? 'on-air' : 'over';
}

/** When it really ends: the planned end, or the moment it was stopped. */
export function endOf(broadcast: Pick<Broadcast, 'endAt' | 'stoppedAt'>): number {
  return broadcast.stoppedAt ?? broadcast.endAt;
}

/** What sounds now, the newest first. */
export function onAir(broadcasts: readonly Broadcast[], now: number): Broadcast[] {
  return broadcasts.filter((one) => phaseOf(one, now) === 'on-air').toReversed();
}

/** What is still to come, the nearest first. */
export function coming(broadcasts: readonly Broadcast[], now: number): Broadcast[] {
  return broadcasts.filter((one) => phaseOf(one, now) === 'coming');
}

/** The day's log: what begins on the local day of `now`. */
export function ofDay(broadcasts: readonly Broadcast[], now: number): Broadcast[] {
  return broadcasts.filter((one) => dayOf(one.startAt) === dayOf(now));
}
