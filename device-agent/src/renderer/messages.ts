// What crosses between the threads: the calls of `Renderer` one way, its events the other, all of it plain values.
import type { AudioPacket, MediaTime, MissedReason } from '@loalang/shared';
import type { MediaLine } from '../clock/index.ts';
import type { Gap, Heard, NowState, Progress, ProofDraft } from '../playout/index.ts';
import type { HeldCard, SinkSettings } from '../sink/index.ts';
import type { RenderPlan, RenderReport } from './renderer.ts';

/** What a thread begins with. */
export interface ThreadSettings {
  readonly sink: SinkSettings;
  readonly progress: readonly Progress[];
  readonly reasonBefore: MissedReason;
  readonly heldCard: HeldCard;
}

export type Question =
  | {
      readonly about: 'gaps';
      readonly streamId: string;
      readonly mediaUs: number;
      readonly tailUntilUs: number | null;
    }
  | { readonly about: 'recent'; readonly from: MediaTime | null; readonly durationMs: number };

export type ToThread =
  | { readonly kind: 'timeline'; readonly line: MediaLine | null }
  | { readonly kind: 'plan'; readonly plan: RenderPlan }
  | { readonly kind: 'now'; readonly now: NowState }
  | {
      readonly kind: 'packet';
      readonly streamId: string;
      readonly packet: AudioPacket;
      readonly nowUs: number;
    }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  | { readonly kind: 'close' };

export type FromThread =
  /** Once a second and at changes; `packets`: how many it has taken so far. */
  | { readonly kind: 'report'; readonly report: RenderReport; readonly packets: number }
  | { readonly kind: 'proof'; readonly draft: ProofDraft }
  | { readonly kind: 'fault'; readonly error: Error }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: readonly Gap[] | Heard | null }
  /** It has fallen silent; nothing follows. */
  | { readonly kind: 'closed'; readonly report: RenderReport };

/** A packet whose frames lie in memory of their own: the bytes off the wire share theirs, and could not be handed over. */
export function detach(packet: AudioPacket): { packet: AudioPacket; memory: ArrayBuffer } {
  const { sequence, mediaTime, isLast, frames } = packet;
  const memory = new ArrayBuffer(frames.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  const own = frames.map((frame) => {
    const copy = new Uint8Array(memory, offset, frame.byteLength);
    copy.set(frame);
    offset += frame.byteLength;
    return copy;
  });
  return { packet: { sequence, mediaTime, isLast, frames: own }, memory };
}
