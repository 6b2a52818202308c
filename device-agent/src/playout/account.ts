import type { MediaTime, MissedReason, Proof } from '@loalang/shared';
import { FRAME_SAMPLES } from '@loalang/shared/opus';
import type { Kind } from './arbiter.ts';

/** What a proof says before the receiver numbers, chains and signs it. */
export type ProofDraft = Omit<Proof, 'type' | 'device' | 'chain' | 'seq' | 'previous' | 'amplifierA'>;

/** How far a broadcast has sounded; kept on disk every few seconds, so that a restart does not forget it. */
export interface Progress {
  readonly broadcastId: string;
  readonly of: Kind;
  readonly startedAt: MediaTime;
  readonly soundedUntil: MediaTime;
  /** Where only the times were kept, all between them counts as played. */
  readonly frames?: { readonly played: number; readonly concealed: number; readonly missed: number };
}

const FRAME_US = 20_000;
const SILENCE_DBFS = -120;

/** Counts what one broadcast sounded and missed. Frames may be parts of one; the proof rounds them. */
export class Account {
  readonly broadcastId: string;
  readonly kind: Kind;
  #startedAt: MediaTime | null = null;
  #endedAt: MediaTime | null = null;
  #played = 0;
  #concealed = 0;
  readonly #missed = new Map<MissedReason, number>();
  #squares = 0;
  #samples = 0;

  constructor(broadcastId: string, kind: Kind, progress: Progress | null) {
    this.broadcastId = broadcastId;
    this.kind = kind;
    if (progress === null) return;
    this.#startedAt = progress.startedAt;
    this.#endedAt = progress.soundedUntil;
    this.#played = progress.frames?.played ?? (progress.soundedUntil - progress.startedAt) / FRAME_US;
    this.#concealed = progress.frames?.concealed ?? 0;
    if (progress.frames !== undefined) this.missed('no-packets', progress.frames.missed);
  }

  /** Something of it went to the sink: from when until when, how many samples, and the sum of their squares. */
  sounded(from: MediaTime, until: MediaTime, samples: number, squares: number): void {
    this.#startedAt ??= from;
    this.#endedAt = until;
    this.#samples += samples;
    this.#squares += squares;
  }

  played(frames: number): void {
    this.#played += frames;
  }

  concealed(frames: number): void {
    this.#concealed += frames;
  }

  missed(reason: MissedReason, frames: number): void {
    this.#missed.set(reason, (this.#missed.get(reason) ?? 0) + frames);
  }

  /** Frames counted until now, heard or not. */
  get counted(): number {
    return this.#played + this.#concealed + this.#missedFrames();
  }

  /** What to keep on disk; null while nothing has sounded. */
  progress(): Progress | null {
    if (this.#startedAt === null || this.#endedAt === null) return null;
    const frames = {
      played: Math.max(0, this.#played),
      concealed: Math.max(0, this.#concealed),
      missed: this.kind === 'stream' ? Math.max(0, this.#missedFrames()) : 0,
    };
    return {
      broadcastId: this.broadcastId,
      of: this.kind,
      startedAt: this.#startedAt,
      soundedUntil: this.#endedAt,
      frames,
    };
  }

  /** The proof: of an item, `dueFrames` were due and what nobody counted was missed for `otherReason`. */
  proof(dueFrames: number | null, otherReason: (frames: number) => MissedReason): ProofDraft {
    const concealed = whole(this.#concealed, dueFrames ?? Infinity);
    const played = whole(this.#played, (dueFrames ?? Infinity) - concealed);
    const missed =
      dueFrames === null ? whole(this.#missedFrames(), Infinity) : dueFrames - played - concealed;
    return {
      broadcastId: this.broadcastId,
      kind: this.kind,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      frames: { played, concealed, missed },
      reason: missed === 0 ? null : this.#mainReason(missed, otherReason),
      levelDbfs: levelDbfs(this.#squares, this.#samples),
    };
  }

  #missedFrames(): number {
    return [...this.#missed.values()].reduce((sum, frames) => sum + frames, 0);
  }

  #mainReason(missed: number, otherReason: (frames: number) => MissedReason): MissedReason {
    const uncounted = missed - this.#missedFrames();
    const [reason, frames] = [...this.#missed].reduce<[MissedReason | null, number]>(
      (most, entry) => (entry[1] > most[1] ? entry : most),
      [null, 0],
    );
    return reason === null || uncounted > frames ? otherReason(uncounted) : reason;
  }
}

/** Level of samples in dBFS; null of none. */
export function levelDbfs(squares: number, samples: number): number | null {
  if (samples === 0) return null;
  return Math.max(SILENCE_DBFS, 10 * Math.log10(squares / samples + 1e-13));
}

/** Frames in a number of samples. */
export function framesOf(samples: number): number {
  return samples / FRAME_SAMPLES;
}

function whole(frames: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(frames)));
}
