import { addMs, mediaTime, type MediaTime } from '@loalang/shared';
import type { MonotonicClock } from '../clock/index.ts';
import type { RenderItem } from '../renderer/index.ts';
import type { Clips } from './clips.ts';
import type { Word } from './sentences.ts';

/** The renderer needs a moment to get the first clip ready; a slow card longer than a fast one. */
const LEAD_MS = 1_000;
/** At first the sink has still to begin: what is due before that is lost. */
const FIRST_LEAD_MS = 3_000;
/** No broadcast has such an id: they are 16 random bytes. */
const ID_PREFIX = '0'.repeat(24);

/** Is this something that the receiver says by itself? Then it is no broadcast, and nothing of it is proved. */
export function isOwnVoice(broadcastId: string): boolean {
  return broadcastId.startsWith(ID_PREFIX);
}

export interface VoiceParts {
  /** Null: it has no voice. */
  readonly clips: Clips | null;
  readonly clock: MonotonicClock;
  /** Plays these items and no others, the way that planned ones are played, on a line of time that is this clock. */
  readonly play: (items: readonly RenderItem[]) => void;
}

/** Lets the receiver say something by itself. */
export class Voice {
  readonly #parts: VoiceParts;
  #count = 0;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** Says a sentence, in place of what it was saying; returns how long until it is over, ms. */
  say(words: readonly Word[]): number {
    const { clips, clock, play } = this.#parts;
    if (clips === null) return 0;
    const leadMs = this.#count === 0 ? FIRST_LEAD_MS : LEAD_MS;
    const from = addMs(mediaTime(Math.round(clock.nowUs())), leadMs);
    play(words.map((word) => this.#itemOf(word, clips, from)));
    return leadMs + Math.max(0, ...words.map(({ clip, atMs }) => atMs + clips[clip].durationMs));
  }

  #itemOf({ clip, atMs }: Word, clips: Clips, from: MediaTime): RenderItem {
    const { file, durationMs } = clips[clip];
    this.#count += 1;
    return {
      broadcastId: ID_PREFIX + this.#count.toString(16).padStart(8, '0'),
      title: clip,
      priority: 'normal',
      startAt: addMs(from, atMs),
      durationMs,
      asset: { sha256: '0'.repeat(64), bytes: file.bytes },
      audio: file,
    };
  }
}
