import type { MediaTime } from '@loalang/shared';

/** A whole MQTT packet, encoded once for all subscribers, with the moment from which it is of no more use. */
export interface Frame {
  readonly bytes: Buffer;
  readonly arrivedAt: MediaTime;
  readonly endsAt: MediaTime;
}

export interface Dropped {
  /** Their media time had passed. */
  readonly expired: number;
  /** The bound of bytes was reached by what could all still be heard. */
  readonly overflow: number;
}

/**
 * What waits for one slow subscriber. A packet is dropped, whole, only once its media time has passed; only where
 * `maxBytes` are reached by packets that can all still be heard does the oldest go.
 */
export class PacketQueue {
  readonly #maxBytes: number;
  #frames: Frame[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  push(frame: Frame, now: MediaTime): Dropped {
    let expired = this.#dropExpiredHead(now);
    let overflow = 0;
    if (this.#bytes + frame.bytes.byteLength > this.#maxBytes) {
      expired += this.#dropAllExpired(now);
      overflow = this.#makeRoom(frame.bytes.byteLength);
    }
    this.#frames.push(frame);
    this.#bytes += frame.bytes.byteLength;
    return { expired, overflow };
  }

  /** The oldest packet that can still be heard; those before it are dropped. */
  take(now: MediaTime): { readonly frame: Frame | null; readonly expired: number } {
    const expired = this.#dropExpiredHead(now);
    return { frame: this.#shift(), expired };
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }

  /** Cheap, and enough where one stream is heard: its packets end in order. */
  #dropExpiredHead(now: MediaTime): number {
    let expired = 0;
    for (let head = this.#frames[0]; head !== undefined && head.endsAt <= now; head = this.#frames[0]) {
      this.#shift();
      expired += 1;
    }
    return expired;
  }

  #dropAllExpired(now: MediaTime): number {
    const before = this.#frames.length;
    this.#frames = this.#frames.filter((frame) => frame.endsAt > now);
    this.#bytes = this.#frames.reduce((sum, frame) => sum + frame.bytes.byteLength, 0);
    return before - this.#frames.length;
  }

  #makeRoom(bytes: number): number {
    let dropped = 0;
    while (this.#bytes + bytes > this.#maxBytes && this.#shift() !== null) dropped += 1;
    return dropped;
  }

  #shift(): Frame | null {
    const frame = this.#frames.shift();
    if (frame === undefined) return null;
    this.#bytes -= frame.bytes.byteLength;
    return frame;
  }
}
