import { FRAME_US } from '@loalang/shared/opus';
import { MAX_REPAIR_FRAMES } from '@loalang/shared';

/** Numbers of a stream that are missing, and when they would be heard. */
export interface Gap {
  /** Number of the first missing frame, modulo 2^32. */
  readonly sequence: number;
  readonly frames: number;
  /** Media time at which the first of them is heard at the latest; the others follow 20 ms apart. */
  readonly dueUs: number;
}

export interface HeldFrame {
  readonly sequence: number;
  readonly startUs: number;
}

/** What a jitter buffer holds: its frames in the order of their stamps, and the last one that was taken out. */
export interface Held {
  /** The stream's start: nothing was heard before it. */
  readonly startUs: number;
  readonly frames: readonly HeldFrame[];
  readonly passed: HeldFrame | null;
  /** The stream's end, where its last packet has said it. */
  readonly endUs: number | null;
}

const UINT32 = 2 ** 32;
const HALF_UINT32 = 2 ** 31;

/**
 * The missing numbers, in the order in which they would be heard. Between two frames: as many numbers as are missing and
 * fit between the stamps, right before the later one (where the sender meant silence, nobody knows on which side of it
 * they were; later is the more hopeful guess). Before the first frame, who came in the middle: as many as fit between
 * now and it. After the last, where `tailUntilUs` says that something must have been sent: as many as fit.
 */
export function findGaps(held: Held, nowUs: number, tailUntilUs: number | null): Gap[] {
  const [first] = held.frames;
  const gaps: Gap[] = [];
  if (held.passed === null && first !== undefined) push(gaps, leading(first, Math.max(held.startUs, nowUs)));
  const known = held.passed === null ? held.frames : [held.passed, ...held.frames];
  known.forEach((frame, index) => {
    const before = known[index - 1];
    if (before !== undefined) push(gaps, between(before, frame));
  });
  const last = known.at(-1);
  if (last !== undefined && held.endUs === null && tailUntilUs !== null) push(gaps, after(last, tailUntilUs));
  return gaps;
}

function push(gaps: Gap[], gap: Gap): void {
  if (gap.frames > 0) gaps.push(gap);
}

function leading({ sequence, startUs }: HeldFrame, fromUs: number): Gap {
  const fitting = Math.max(0, Math.floor((startUs - fromUs) / FRAME_US));
  return missingBefore(sequence, startUs, Math.min(sequence, fitting, MAX_REPAIR_FRAMES));
}

function between(before: HeldFrame, { sequence, startUs }: HeldFrame): Gap {
  const fitting = Math.max(0, Math.round((startUs - before.startUs) / FRAME_US) - 1);
  const missing = (sequence - before.sequence - 1 + UINT32) % UINT32;
  return missingBefore(sequence, startUs, missing < HALF_UINT32 ? Math.min(missing, fitting) : 0);
}

function missingBefore(sequence: number, startUs: number, frames: number): Gap {
  return {
    sequence: (sequence - frames + UINT32) % UINT32,
    frames,
    dueUs: startUs - frames * FRAME_US,
  };
}

function after({ sequence, startUs }: HeldFrame, untilUs: number): Gap {
  const dueUs = startUs + FRAME_US;
  const frames = Math.max(0, Math.floor((untilUs - dueUs) / FRAME_US));
  return { sequence: (sequence + 1) % UINT32, frames: Math.min(frames, 2 * MAX_REPAIR_FRAMES), dueUs };
}
