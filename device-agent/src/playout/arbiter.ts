import { addUs, isQuiet, priorityRank } from '@loalang/shared';
import type { MediaTime, Policy, Priority } from '@loalang/shared';

// The pure choice of what sounds. The highest priority, then speech over a file, then what starts later.

/** 20 ms: how long a change takes. What must be silent from a moment on begins to fade so long before it. */
export const FADE_US = 20_000;
// The end of an item is faded over 5 ms only, since it is part of what was approved.
export const RELEASE_US = 5_000;
const MINUTE_US = 60_000_000;

export type Kind = 'item' | 'stream';

export interface Candidate {
  readonly id: string;
  readonly kind: Kind;
  readonly priority: Priority;
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
}

export interface Rules {
  readonly policy: Policy;
  readonly isMuted: boolean;
  readonly stopped: ReadonlySet<string>;
}

/** Where a broadcast stands at a moment; only one that is `eligible` may sound. */
export type Standing = 'early' | 'over' | 'stopped' | 'quiet-hours' | 'muted' | 'eligible';

/** Media time from which a broadcast fades out in order to be silent at its end. */
export function releaseAt({ startAt, endAt }: Pick<Candidate, 'startAt' | 'endAt'>): number {
  return endAt - Math.min(RELEASE_US, Math.max(0, endAt - startAt) / 4);
}

/** Where one broadcast stands under the rules at a media time. */
export function standingOf(candidate: Candidate, rules: Rules, at: MediaTime): Standing {
  if (at < candidate.startAt) return 'early';
  if (at >= releaseAt(candidate)) return 'over';
  if (rules.stopped.has(candidate.id)) return 'stopped';
  if (candidate.priority === 'emergency') return 'eligible';
  if (isQuiet(rules.policy, at) || isQuiet(rules.policy, addUs(at, FADE_US))) return 'quiet-hours';
  return rules.isMuted ? 'muted' : 'eligible';
}

/** Orders two broadcasts that want to sound at the same time: negative where `a` goes first. Never 0 for two ids. */
export function precedence(a: Candidate, b: Candidate): number {
  const byPriority = priorityRank(b.priority) - priorityRank(a.priority);
  if (byPriority !== 0) return byPriority;
  if (a.kind !== b.kind) return a.kind === 'stream' ? -1 : 1;
  if (a.startAt !== b.startAt) return b.startAt - a.startAt;
  // Every receiver must choose the same, so that neighbours play the same.
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** The one that sounds at a media time; null where none may. */
export function choose<T extends Candidate>(candidates: Iterable<T>, rules: Rules, at: MediaTime): T | null {
  let best: T | null = null;
  for (const candidate of candidates) {
    if (standingOf(candidate, rules, at) !== 'eligible') continue;
    if (best === null || precedence(candidate, best) < 0) best = candidate;
  }
  return best;
}

/** The first media time after `at` at which the choice may change by itself; Infinity where it can't. */
export function nextChangeUs(candidates: Iterable<Candidate>, at: MediaTime): number {
  let nextUs = Infinity;
  const consider = (us: number): void => {
    if (us > at && us < nextUs) nextUs = us;
  };
  for (const candidate of candidates) {
    consider(candidate.startAt);
    consider(releaseAt(candidate));
  }
  // Quiet hours begin and end at whole minutes.
  const minuteUs = Math.floor(at / MINUTE_US) * MINUTE_US + MINUTE_US;
  consider(minuteUs);
  consider(minuteUs - FADE_US);
  return nextUs;
}
