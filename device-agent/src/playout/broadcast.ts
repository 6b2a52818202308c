import type { MediaTime, MissedReason, PlanItem } from '@loalang/shared';
import type { OggOpusReader } from '@loalang/shared/ogg';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { Account, Progress } from './account.ts';
import type { Candidate } from './arbiter.ts';
import type { Armed } from './arming.ts';
import type { Source } from './source.ts';

export interface PlayableItem extends PlanItem {
  /** The checked asset in the cache; null where it isn't there. Throws where it is damaged. */
  openAudio(): OggOpusReader | null;
}

export interface BroadcastParts {
  readonly createDecoder: () => Promise<OpusDecoder>;
  readonly progress: Progress | null;
  /** Media time when the receiver learnt of it; null where it had none. */
  readonly knownAt: MediaTime | null;
}

/** A broadcast that is about to sound, sounds, or would if it might. */
export interface Broadcast extends Candidate {
  readonly account: Account;
  readonly knownAt: MediaTime | null;
  /** When its first sound is due: its start, or a stream's latency later. */
  readonly soundsAt: MediaTime;
  readonly armed: Armed<Source> | null;
  /** Why it can't sound at a moment at which it may; null where it can. */
  obstacle(at: MediaTime): MissedReason | null;
  /** Media time at which it gets something to say; Infinity where that is not known, or now. */
  readyAtUs(at: MediaTime): number;
  arm(at: MediaTime): void;
  disarm(): void;
  fail(at: MediaTime): void;
  /** So many samples of it from a position on went to the sink. */
  countPlayed(position: number, samples: number): void;
  /** So many samples from `at` on were due and did not sound. */
  countMissed(reason: MissedReason, at: MediaTime, samples: number): void;
  /** Frames due in all; null where only the stream's numbers tell. Called once, when it closes. */
  settle(at: MediaTime, missedBefore: MissedReason): number | null;
}
