import { addUs, MOST_LEAD, type MediaTime } from '@loalang/shared';

export interface StamperState {
  /** When the next frame must be heard; null before the first. */
  readonly nextAt: MediaTime | null;
  /** Number of the next frame, modulo 2^32. */
  readonly sequence: number;
}

export type Stamp =
  | {
      readonly kind: 'stamped';
      readonly sequence: number;
      readonly mediaTime: MediaTime;
      readonly isJump: boolean;
      readonly next: StamperState;
    }
  | { readonly kind: 'left-out'; readonly next: StamperState };

export const firstStamp: StamperState = { nextAt: null, sequence: 0 };

const FRAME_US = 20_000;
const UINT32 = 2 ** 32;
/** Below this share of the latency a frame would be late at the receivers: the browser was silent for a while. */
const LEAST_LEAD = 0.5;

/**
 * Says when a frame that has just come must be heard. The first: `latencyMs` from now. Then one after the other, 20 ms
 * apart, however unevenly they come, as long as the lead (from now until heard) stays between half and one and a half
 * of the latency. Too short: the stamps jump forward to the full latency, which receivers play as silence; the numbers
 * go on without a gap, so nobody takes it for loss. Too long: the frame is left out, and the lead shrinks by 20 ms.
 */
export function stampFrame(state: StamperState, now: MediaTime, latencyMs: number): Stamp {
  const latencyUs = latencyMs * 1000;
  const leadUs = state.nextAt === null ? 0 : state.nextAt - now;
  if (leadUs > MOST_LEAD * latencyUs) return { kind: 'left-out', next: state };
  const isJump = state.nextAt === null || leadUs < LEAST_LEAD * latencyUs;
  const mediaTime = state.nextAt === null || isJump ? addUs(now, latencyUs) : state.nextAt;
  const next = { nextAt: addUs(mediaTime, FRAME_US), sequence: (state.sequence + 1) % UINT32 };
  return { kind: 'stamped', sequence: state.sequence, mediaTime, isJump, next };
}
