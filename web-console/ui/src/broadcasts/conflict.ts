// What a new broadcast would cut, and what would cut it, told before it is saved. The planner on the server decides; this
// is the same rule on what the console knows: a higher bulletin interrupts a lower one, speech a file, of equals the later
// one sounds, and what was interrupted goes on where the clock says. Of equals that start together the receivers choose by
// an id that is not known yet.
import type { Broadcast, MediaTime, Priority } from '@loalang/shared';
import { exactTime, mediaTimeAt, spanText } from '../format/time.ts';
import { words } from '../words/index.ts';
import { endOf } from './phase.ts';

export interface Intended {
  readonly title: string;
  readonly startAt: number;
  readonly durationMs: number;
  readonly priority: Priority;
  readonly deviceIds: ReadonlySet<string>;
}
export interface Conflict {
  readonly other: Broadcast;
  /** What the two share, in milliseconds. */
  readonly overlapMs: number;
  /** Which of the two is cut; `unknown`: one of them, and nobody can say which. */
  readonly cut: 'other' | 'intended' | 'unknown';
}
export interface TimetableLine {
  readonly at: number;
  readonly text: string;
}

const ranks: Record<Priority, number> = { normal: 0, priority: 1, emergency: 2 };
const endUs = (one: Intended): number => one.startAt + one.durationMs * 1000;

/** Broadcasts that share loudspeakers and time with the intended one, by start. */
export function conflictsOf(intended: Intended, broadcasts: readonly Broadcast[]): Conflict[] {
  return broadcasts
    .filter((other) => isShared(intended, other))
    .map((other) => ({
      other,
      overlapMs: (Math.min(endUs(intended), endOf(other)) - Math.max(intended.startAt, other.startAt)) / 1000,
      cut: loserOf(other, intended),
    }));
}

function isShared(intended: Intended, other: Broadcast): boolean {
  const isInTime = other.startAt < endUs(intended) && endOf(other) > intended.startAt;
  return isInTime && other.cells.some(({ deviceId }) => intended.deviceIds.has(deviceId));
}

function loserOf(other: Broadcast, intended: Intended): Conflict['cut'] {
  const difference = ranks[intended.priority] - ranks[other.priority];
  if (difference !== 0) return difference > 0 ? 'other' : 'intended';
  if (other.kind === 'live') return 'intended';
  if (other.startAt === intended.startAt) return 'unknown';
  return other.startAt < intended.startAt ? 'other' : 'intended';
}

/** "Sẽ ngắt “Thời sự chiều” 3 phút." */
export function conflictSentences(conflicts: readonly Conflict[]): string[] {
  return conflicts.map(({ other, overlapMs, cut }) => {
    if (cut === 'unknown') return words.send.tied(other.title);
    const tell = cut === 'other' ? words.send.willCut : words.send.willBeCut;
    return tell(other.title, spanText(overlapMs));
  });
}

/** The three lines of one conflict: what plays, what cuts in, what goes on. One line where nobody can say. */
export function timetable(intended: Intended, conflict: Conflict): TimetableLine[] {
  if (conflict.cut === 'unknown') {
    return [{ at: intended.startAt, text: words.send.line.together(intended.title, conflict.other.title) }];
  }
  const own = { title: intended.title, startAt: intended.startAt, endAt: endUs(intended) };
  const other = {
    title: conflict.other.title,
    startAt: conflict.other.startAt as number,
    endAt: endOf(conflict.other),
  };
  const [cut, cutter] = conflict.cut === 'other' ? [other, own] : [own, other];
  const lines: TimetableLine[] = [];
  if (cut.startAt < cutter.startAt) {
    const span = spanText((cutter.startAt - cut.startAt) / 1000);
    lines.push({ at: cut.startAt, text: words.send.line.plays(cut.title, span) });
  }
  lines.push({ at: cutter.startAt, text: words.send.line.cuts(cutter.title) });
  lines.push({
    at: cutter.endAt,
    text:
      cut.endAt > cutter.endAt
        ? words.send.line.resumes(cut.title, exactTime(cut.endAt))
        : words.send.line.over(cutter.title),
  });
  return lines;
}

/** The nearest times at which nothing collides: right after each broadcast that stands in the way. Two at most. */
export function freeSlots(intended: Intended, broadcasts: readonly Broadcast[]): MediaTime[] {
  const minuteUs = 60_000_000;
  const candidates = broadcasts
    .filter(({ cells }) => cells.some(({ deviceId }) => intended.deviceIds.has(deviceId)))
    .map((other) => mediaTimeAt(Math.ceil(endOf(other) / minuteUs) * minuteUs))
    .filter((startAt) => startAt > intended.startAt)
    .filter((startAt) => conflictsOf({ ...intended, startAt }, broadcasts).length === 0);
  return [...new Set(candidates)].toSorted((a, b) => a - b).slice(0, 2);
}
