import { addMs, type AudioPacket, type MediaTime } from '@loalang/shared';
import { firstStamp, stampFrame, type StamperState } from './stamper.ts';

/** 60 ms a packet: 36 kb/s with its signature, and 44 ms from speech to packet at most. */
const FRAMES_PER_PACKET = 3;
/** A silent 20 ms frame (CELT, full band, mono): there is no packet without a frame, so the last one holds this. */
const SILENT_FRAME = Uint8Array.of(0xf8, 0xff, 0xfe);

/** Groups stamped frames to packets. A packet holds only frames that follow each other. */
export class Packetizer {
  readonly #latencyMs: number;
  #state: StamperState = firstStamp;
  #frames: Uint8Array[] = [];
  #first: { sequence: number; mediaTime: MediaTime } | null = null;
  #leftOut = 0;

  constructor(latencyMs: number) {
    this.#latencyMs = latencyMs;
  }

  /** Frames that were left out since the speaker's clock runs fast. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** The moment from which nothing of what was pushed is heard any more; null before the first frame. */
  get endsAt(): MediaTime | null {
    return this.#state.nextAt;
  }

  /** Takes a frame that came now; gives the packets that are full with it. */
  push(frame: Uint8Array, now: MediaTime): AudioPacket[] {
    const stamp = stampFrame(this.#state, now, this.#latencyMs);
    this.#state = stamp.next;
    if (stamp.kind === 'left-out') {
      this.#leftOut += 1;
      return [];
    }
    const packets = stamp.isJump ? this.#flush(false) : [];
    this.#first ??= { sequence: stamp.sequence, mediaTime: stamp.mediaTime };
    this.#frames.push(frame);
    return this.#frames.length < FRAMES_PER_PACKET ? packets : [...packets, ...this.#flush(false)];
  }

  /** What is left, closed by a packet that says so; a silent frame where nothing is left. */
  finish(now: MediaTime): AudioPacket[] {
    const isNothingLeft = this.#first === null;
    this.#first ??= {
      sequence: this.#state.sequence,
      mediaTime: this.#state.nextAt ?? addMs(now, this.#latencyMs),
    };
    if (isNothingLeft) this.#frames.push(SILENT_FRAME);
    return this.#flush(true);
  }

  #flush(isLast: boolean): AudioPacket[] {
    if (this.#first === null) return [];
    const packet = { ...this.#first, isLast, frames: this.#frames };
    this.#first = null;
    this.#frames = [];
    return [packet];
  }
}
