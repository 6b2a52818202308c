import { FRAME_US } from '@loalang/shared/opus';
import { MAX_LATENCY_MS, MOST_LEAD, type AudioPacket, type MediaTime } from '@loalang/shared';
import { findGaps, type Gap } from './gaps.ts';

// Frames of one live stream between their arrival and their moment. Stamps rule: a frame has its place by its media
// time alone, so that a wild sequence number can't push others out. The sequence numbers tell whether a gap between
// two frames is loss (numbers are missing) or silence that the sender meant (numbers go on).

/**
 * How far ahead of what is heard a good stamp may lie: as far as a stream may be stamped, 2 s by which a receiver may sound
 * later, and 2 s by which its clock may lag while it knows the hour.
 */
export const MAX_AHEAD_US = (MOST_LEAD * MAX_LATENCY_MS + 2_000 + 2_000) * 1_000;
/** As many as begin within it, both ends included: some 100 kB of speech. */
export const MAX_BUFFERED_FRAMES = MAX_AHEAD_US / FRAME_US + 1;
// Stamps are rounded to microseconds and a sender's own clock wanders; a step this small is not meant to be heard.
export const STAMP_TOLERANCE_US = 1_000;
// A stream without a frame for so long gives the loudspeaker back to what it interrupted, until it speaks again.
const GONE_AFTER_US = 5_000_000;
const UINT32 = 2 ** 32;

export interface StreamFrame {
  readonly sequence: number;
  readonly startUs: number;
  readonly opus: Uint8Array;
}

export type FrameOutcome = 'kept' | 'late' | 'duplicate' | 'overlapping' | 'too-early' | 'outside' | 'full';

/** What is due at a moment: a frame, loss (until when, if that is known), intended silence, nothing yet, the end. */
export type Due =
  | { readonly kind: 'frame'; readonly frame: StreamFrame; readonly lostBefore: number }
  | { readonly kind: 'lost'; readonly untilUs: number | null }
  | { readonly kind: 'silence'; readonly untilUs: number }
  | { readonly kind: 'waiting'; readonly untilUs: number | null }
  | { readonly kind: 'ended' };

interface PassedFrame {
  readonly sequence: number;
  readonly endUs: number;
}

export class JitterBuffer {
  readonly counts: Record<FrameOutcome | 'reordered', number> = {
    kept: 0,
    late: 0,
    duplicate: 0,
    overlapping: 0,
    'too-early': 0,
    outside: 0,
    full: 0,
    reordered: 0,
  };
  readonly #startUs: number;
  #expiresUs: number;
  // In the order of their stamps; no two overlap.
  readonly #frames: StreamFrame[] = [];
  #passed: PassedFrame | null = null;
  #passedUs = -Infinity;
  #endUs: number | null = null;

  constructor(startAt: MediaTime, expiresAt: MediaTime) {
    this.#startUs = startAt;
    this.#expiresUs = expiresAt;
  }

  /** Takes a packet's frames; `nowUs` is the media time of now. Returns how many of them were kept. */
  insert(packet: AudioPacket, nowUs: number): number {
    let kept = 0;
    packet.frames.forEach((opus, index) => {
      const startUs = packet.mediaTime + index * FRAME_US;
      const sequence = (packet.sequence + index) % UINT32;
      const outcome = this.#insertFrame({ sequence, startUs, opus }, nowUs);
      this.counts[outcome] += 1;
      if (outcome === 'kept') kept += 1;
      const isEnd = packet.isLast && index === packet.frames.length - 1;
      if (isEnd && (outcome === 'kept' || outcome === 'late')) this.#endUs ??= startUs + FRAME_US;
    });
    return kept;
  }

  /** Moves the time box; frames beyond it that are here already are left to whoever pulls. */
  setExpiry(expiresAt: MediaTime): void {
    this.#expiresUs = expiresAt;
  }

  /**
   * What must be heard at `atUs`. A frame that begins up to `toleranceUs` later is due already; it is taken out.
   * Everything else changes nothing but what counts as late.
   */
  pull(atUs: number, toleranceUs = STAMP_TOLERANCE_US): Due {
    this.#passedUs = Math.max(this.#passedUs, atUs);
    const head = this.#frames[0];
    if (head === undefined) return this.#dueWithoutFrame(atUs);
    if (head.startUs <= atUs + toleranceUs) {
      const lostBefore = this.#lostBefore(head);
      this.#takeHead(head);
      return { kind: 'frame', frame: head, lostBefore };
    }
    if (this.#passed === null) return { kind: 'waiting', untilUs: head.startUs };
    const lostUntilUs = Math.min(this.#passed.endUs + this.#lostBefore(head) * FRAME_US, head.startUs);
    return atUs + toleranceUs < lostUntilUs
      ? { kind: 'lost', untilUs: lostUntilUs }
      : { kind: 'silence', untilUs: head.startUs };
  }

  /** Drops frames that end before `atUs` unheard; returns how many, those that were lost between them included. */
  discardBefore(atUs: number): number {
    let count = 0;
    for (let head = this.#frames[0]; head !== undefined; head = this.#frames[0]) {
      if (head.startUs + FRAME_US > atUs + STAMP_TOLERANCE_US) break;
      count += 1 + this.#lostBefore(head);
      this.#takeHead(head);
    }
    return count;
  }

  /** Whether the stream has something to say at this moment: from its first frame until it is silent for 5 s. */
  isFlowing(atUs: number): boolean {
    const head = this.#frames[0];
    if (head !== undefined) return this.#passed !== null || head.startUs <= atUs + STAMP_TOLERANCE_US;
    return this.#passed !== null && atUs - this.#passed.endUs < GONE_AFTER_US;
  }

  /** What is missing and not yet past; see `findGaps`. */
  gaps(nowUs: number, tailUntilUs: number | null): Gap[] {
    const passed = this.#passed;
    const held = {
      startUs: this.#startUs,
      frames: this.#frames,
      passed: passed === null ? null : { sequence: passed.sequence, startUs: passed.endUs - FRAME_US },
      endUs: this.#endUs,
    };
    return findGaps(held, nowUs, tailUntilUs);
  }

  /** Media time after the last frame that is here or has passed; null before the first. */
  get tailUs(): number | null {
    const last = this.#frames.at(-1);
    return last === undefined ? (this.#passed?.endUs ?? null) : last.startUs + FRAME_US;
  }

  /** Media time of the next frame; null where none is here. */
  get headUs(): number | null {
    return this.#frames[0]?.startUs ?? null;
  }

  /** Media time at which the sender said that the stream ends; null until it did. */
  get endUs(): number | null {
    return this.#endUs;
  }

  get size(): number {
    return this.#frames.length;
  }

  #insertFrame(frame: StreamFrame, nowUs: number): FrameOutcome {
    const refusal = this.#refuseByStamp(frame.startUs, nowUs);
    if (refusal !== null) return refusal;
    const index = this.#indexFor(frame.startUs);
    const before = this.#frames[index - 1];
    const after = this.#frames[index];
    for (const neighbour of [before, after]) {
      if (neighbour === undefined) continue;
      const distanceUs = Math.abs(neighbour.startUs - frame.startUs);
      if (distanceUs <= STAMP_TOLERANCE_US) return 'duplicate';
      if (distanceUs < FRAME_US - STAMP_TOLERANCE_US) return 'overlapping';
    }
    if (this.#frames.length >= MAX_BUFFERED_FRAMES) return 'full';
    if (after !== undefined) this.counts.reordered += 1;
    // A copy (`slice` of a Buffer would be a view): a view would keep the whole chunk that came from the socket alive for as long as the frame waits.
    this.#frames.splice(index, 0, { ...frame, opus: Uint8Array.from(frame.opus) });
    return 'kept';
  }

  #refuseByStamp(startUs: number, nowUs: number): FrameOutcome | null {
    const endUs = startUs + FRAME_US;
    if (startUs < this.#startUs || endUs > Math.min(this.#expiresUs, this.#endUs ?? Infinity))
      return 'outside';
    if (endUs <= nowUs || startUs < this.#passedUs - STAMP_TOLERANCE_US) return 'late';
    return startUs > nowUs + MAX_AHEAD_US ? 'too-early' : null;
  }

  #indexFor(startUs: number): number {
    let index = this.#frames.length;
    while (index > 0 && (this.#frames[index - 1]?.startUs ?? 0) > startUs) index -= 1;
    return index;
  }

  #dueWithoutFrame(atUs: number): Due {
    if (this.#endUs !== null && atUs + STAMP_TOLERANCE_US >= this.#endUs) return { kind: 'ended' };
    return this.#passed === null
      ? { kind: 'waiting', untilUs: null }
      : { kind: 'lost', untilUs: this.#endUs };
  }

  // More missing numbers than fit between the stamps, or numbers that go back, say nothing: then all of it is loss.
  #lostBefore(head: StreamFrame): number {
    if (this.#passed === null) return 0;
    const fitting = Math.max(0, Math.round((head.startUs - this.#passed.endUs) / FRAME_US));
    const numbers = (head.sequence - this.#passed.sequence - 1 + UINT32) % UINT32;
    return Math.min(numbers, fitting);
  }

  #takeHead(head: StreamFrame): void {
    this.#frames.shift();
    this.#passed = { sequence: head.sequence, endUs: head.startUs + FRAME_US };
  }
}
