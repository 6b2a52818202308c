import { MAX_FRAMES_AHEAD, MAX_REPAIR_FRAMES, MAX_REPAIR_RANGES, type RepairRequest } from '@loalang/shared';
import { FRAME_US } from '@loalang/shared/opus';
import type { Gap } from '../playout/index.ts';

export type Missing = RepairRequest['missing'];

/** What a question is weighed by. */
export interface Moment {
  /** Media time of now: by it a frame can still come in time or not. */
  readonly mediaUs: number;
  /** The monotonic clock: by it an answer is overdue or not. */
  readonly nowUs: number;
  readonly roundTripUs: number;
}

/** All that can be ahead may be asked for at once, then twice what is played meanwhile. */
const BURST_FRAMES = MAX_FRAMES_AHEAD;
const FRAMES_PER_SECOND = 100;
/** An answer that has taken two round trips and this is not waited for any more: it was lost, or left out by a bound. */
const SLACK_US = 300_000;
/** A frame that was asked for so often is not there. */
const MOST_ASKS = 5;
/** An answer may come so long after its question; later it counts as one that nobody asked for. */
const EXPECTED_US = 12_000_000;
const UINT32 = 2 ** 32;

interface Asked {
  readonly atUs: number;
  readonly times: number;
}

/**
 * Decides what of one stream to ask for again: each missing frame that an answer can still bring in time, once, and again
 * when no answer came. What is heard first is asked for first; where more is missing than may be asked for, the rest
 * waits its turn.
 */
export class RepairPlanner {
  /** By number. Bounded: by the rate of asking times the age at which it is forgotten. */
  readonly #asked = new Map<number, Asked>();
  #tokens = BURST_FRAMES;
  #refilledUs: number | null = null;

  /** Takes what is missing, in the order of its times; returns what to ask for now, which counts as asked. */
  plan(gaps: readonly Gap[], moment: Moment): Missing {
    this.#forget(moment.nowUs);
    this.#refill(moment.nowUs);
    const missing: Missing = [];
    for (const gap of gaps) {
      for (let index = firstInTime(gap, moment); index < gap.frames; index += 1) {
        const sequence = (gap.sequence + index) % UINT32;
        if (!this.#mayAsk(sequence, moment)) continue;
        if (this.#tokens < 1 || !append(missing, sequence)) return missing;
        this.#tokens -= 1;
        this.#note(sequence, moment.nowUs);
      }
    }
    return missing;
  }

  /** Was one of these frames asked for, not too long ago? */
  isExpected(sequence: number, frames: number, nowUs: number): boolean {
    this.#forget(nowUs);
    for (let index = 0; index < frames; index += 1) {
      if (this.#asked.has((sequence + index) % UINT32)) return true;
    }
    return false;
  }

  /** When to look again though nothing has come: an answer is then overdue. */
  static waitUs({ roundTripUs }: Pick<Moment, 'roundTripUs'>): number {
    return 2 * roundTripUs + SLACK_US;
  }

  #mayAsk(sequence: number, moment: Moment): boolean {
    const asked = this.#asked.get(sequence);
    if (asked === undefined) return true;
    return asked.times < MOST_ASKS && moment.nowUs - asked.atUs >= RepairPlanner.waitUs(moment);
  }

  // Taken out first, so that the map stays in the order of asking.
  #note(sequence: number, nowUs: number): void {
    const times = (this.#asked.get(sequence)?.times ?? 0) + 1;
    this.#asked.delete(sequence);
    this.#asked.set(sequence, { atUs: nowUs, times });
  }

  #forget(nowUs: number): void {
    for (const [sequence, { atUs }] of this.#asked) {
      if (nowUs - atUs < EXPECTED_US) return;
      this.#asked.delete(sequence);
    }
  }

  #refill(nowUs: number): void {
    const elapsedS = Math.max(0, nowUs - (this.#refilledUs ?? nowUs)) / 1e6;
    this.#refilledUs = nowUs;
    this.#tokens = Math.min(BURST_FRAMES, this.#tokens + elapsedS * FRAMES_PER_SECOND);
  }
}

/** The first frame of a gap that is heard after an answer could be here. */
function firstInTime({ dueUs }: Gap, { mediaUs, roundTripUs }: Moment): number {
  return Math.max(0, Math.floor((mediaUs + roundTripUs - dueUs) / FRAME_US) + 1);
}

/** Adds a number, to the last range where it follows it; false where there are ranges enough. */
function append(missing: Missing, sequence: number): boolean {
  const last = missing.at(-1);
  const follows = last !== undefined && (last.sequence + last.frames) % UINT32 === sequence;
  if (follows && last.frames < MAX_REPAIR_FRAMES) {
    last.frames += 1;
    return true;
  }
  if (missing.length >= MAX_REPAIR_RANGES) return false;
  missing.push({ sequence, frames: 1 });
  return true;
}
