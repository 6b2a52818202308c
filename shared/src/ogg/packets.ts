// Puts packets together from the pieces on pages (RFC 3533 §5).
import { OggError } from './error.ts';
import type { OggPage } from './page.ts';

// Far above any Opus packet of a real encoder (61,440 bytes, RFC 7845 §6); bounds what is kept.
const MAX_PACKET_BYTES = 131_072;

/** Collects the packets that end on each page; what has not ended yet waits for the next page. */
export class PacketAssembler {
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  #isBegun = false;

  /** Forgets a packet that has begun. */
  reset(): void {
    this.#begun = [];
    this.#begunBytes = 0;
    this.#isBegun = false;
  }

  /** The packets that end on this page, each with bytes of its own. */
  take(page: OggPage): Uint8Array[] {
    if (page.isContinued !== this.#isBegun) {
      throw new OggError('OGG_MALFORMED', `Ogg page ${page.sequence} does not continue the page before it`);
    }
    return this.#split(page);
  }

  /** Takes a page in whose middle reading begins: keeps only a packet that goes on after it. */
  enter(page: OggPage): void {
    this.reset();
    this.#isBegun = page.isContinued;
    // A packet that runs through the whole page began before it and cannot be completed.
    if (page.isContinued && page.lacing.every((length) => length === 255)) {
      throw new OggError('OGG_MALFORMED', `No packet begins on Ogg page ${page.sequence}`);
    }
    this.#split(page);
  }

  #split(page: OggPage): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let offset = 0;
    for (const length of page.lacing) {
      this.#append(page.body.subarray(offset, offset + length));
      offset += length;
      if (length < 255) packets.push(this.#finish());
    }
    return packets;
  }

  #append(piece: Uint8Array): void {
    this.#isBegun = true;
    this.#begunBytes += piece.byteLength;
    if (this.#begunBytes > MAX_PACKET_BYTES) {
      throw new OggError('OGG_MALFORMED', `Ogg packet of more than ${MAX_PACKET_BYTES} bytes`);
    }
    this.#begun.push(piece);
  }

  #finish(): Uint8Array {
    const packet = new Uint8Array(this.#begunBytes);
    let offset = 0;
    for (const piece of this.#begun) {
      packet.set(piece, offset);
      offset += piece.byteLength;
    }
    this.reset();
    return packet;
  }
}
