import { addMs, type CellState, type MediaTime } from '@loalang/shared';
import type { ProofSummary } from './proof-summary.ts';

export interface CellInput {
  readonly now: MediaTime;
  readonly kind: 'file' | 'live';
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
  /** When it was stopped for this receiver, or ended before its time; null where neither happened. */
  readonly stoppedAt: MediaTime | null;
  readonly isCached: boolean;
  /** The receiver's newest status (no older than a receiver may be silent) says that it plays this. */
  readonly isPlaying: boolean;
  readonly proof: ProofSummary | null;
}

/** A receiver proves within seconds of the end; after this long without a proof nobody knows what happened. */
const PROOF_GRACE_MS = 90_000;
/** Two percent: a first frame that was due before the amplifier was up must not turn the square amber. */
const PLAYED_SHARE = 0.98;
const FRAME_MS = 20;

/** What one loudspeaker did with one broadcast. "Played" only by its own signed proof. */
export function cellState(input: CellInput): CellState {
  const { now, proof } = input;
  const end = endFor(input);
  if (input.isPlaying && now < addMs(end, PROOF_GRACE_MS)) return 'playing';
  if (proof !== null) return verdict(input, proof);
  const isAwaited = end > input.startAt && now >= addMs(end, PROOF_GRACE_MS);
  if (isAwaited) return 'unconfirmed';
  return input.isCached ? 'cached' : 'waiting';
}

/** When the broadcast ended, or will, for this receiver. */
export function endFor({ endAt, stoppedAt }: Pick<CellInput, 'endAt' | 'stoppedAt'>): MediaTime {
  return stoppedAt !== null && stoppedAt < endAt ? stoppedAt : endAt;
}

function verdict(input: CellInput, proof: ProofSummary): CellState {
  const heard = proof.played + proof.concealed;
  if (heard === 0) return 'missed';
  const isWhole = proof.missed === 0 && proof.played >= PLAYED_SHARE * dueFrames(input, proof);
  return isWhole ? 'played' : 'partial';
}

/** Of a file everything from its start is due. Of a stream what the receiver counted: silence in it is intended. */
function dueFrames(input: CellInput, proof: ProofSummary): number {
  const counted = proof.played + proof.concealed + proof.missed;
  if (input.kind === 'live') return counted;
  const durationMs = (endFor(input) - input.startAt) / 1000;
  return input.stoppedAt === null ? Math.max(counted, durationMs / FRAME_MS) : counted;
}
