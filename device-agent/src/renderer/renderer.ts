// What the rest of the receiver says to the part that makes sound, wherever that runs.
import type { AudioPacket, MediaTime, PlanItem, Policy } from '@loalang/shared';
import type { MediaLine } from '../clock/index.ts';
import type { Gap, Heard, NowState, Playing, Progress, ProofDraft } from '../playout/index.ts';
import type { AssetFile } from '../store/index.ts';

/** An item with its checked audio; null where that is not in the cache yet. */
export interface RenderItem extends PlanItem {
  readonly audio: AssetFile | null;
}

/** What is to be played, none of it proved before. */
export interface RenderPlan {
  readonly items: readonly RenderItem[];
  readonly policy: Policy;
  readonly acousticOffsetMs: number;
}

/** How it is with what makes the sound. */
export interface RenderReport {
  readonly playing: Playing | null;
  /** Audio in the jitter buffers ahead of what is heard; null without a stream. */
  readonly bufferMs: number | null;
  /** How far what is open has sounded. */
  readonly progress: readonly Progress[];
  /** Why no sound comes out; null where it does. */
  readonly sinkFailure: string | null;
  /** Whether the sink is fed with real-time priority; null where that makes no difference. */
  readonly isRealTime: boolean | null;
  /** What was learnt of the sound card, to be kept for the next start; see `Sink`. */
  readonly cardDriftPpm: number | null;
}

export interface RendererEvents {
  readonly onProof: (draft: ProofDraft) => void;
  /** What the report says about playing or the sink has changed. */
  readonly onReport: () => void;
  /** Something broke and was got over; for the log. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Playout and sink. All that goes in is plain values, so that they may live in another thread; what is told of them may
 * then be a second old.
 */
export interface Renderer {
  readonly report: RenderReport;
  /** Begins to play what it was told before. Does not wait for the sink. */
  start(): Promise<void>;
  /** Media time from now on; null while the hour isn't known. */
  setTimeline(line: MediaLine | null): void;
  setPlan(plan: RenderPlan): void;
  setNow(now: NowState): void;
  /** Takes a verified packet of an announced stream, which came at a monotonic moment. */
  insert(streamId: string, packet: AudioPacket, nowUs: number): void;
  /** See `Playout.gaps`; nothing where it does not answer in time. */
  gaps(streamId: string, mediaUs: number, tailUntilUs: number | null): Promise<readonly Gap[]>;
  /** See `Playout.recent`; null where it does not answer in time. */
  recent(from: MediaTime | null, durationMs: number): Promise<Heard | null>;
  /** Falls silent and gives the sink back within some two seconds. The report then says what sounded last. */
  close(): Promise<void>;
}

export const NOTHING_YET: RenderReport = {
  playing: null,
  bufferMs: null,
  progress: [],
  sinkFailure: null,
  isRealTime: null,
  cardDriftPpm: null,
};
