import { CONNECT_BYTES } from './bounds.ts';

/** Why a connection's bytes are taken no further. */
export type PacketObjection = 'not-connect' | 'too-long' | 'malformed';

const CONNECT_TYPE = 1;
const MAX_LENGTH_DIGITS = 4;

/**
 * Follows the framing of MQTT packets (MQTT 3.1.1 §2.2.3) in a stream of chunks cut anywhere, and objects as soon as a
 * header announces too much, before the body has come. Holds no bytes. After an objection it is of no more use.
 */
export class PacketMeter {
  #limitBytes = CONNECT_BYTES;
  #expects: 'type' | 'length' | 'body' = 'type';
  #isFirst = true;
  #lengthBytes = 0;
  #lengthDigits = 0;

  /** From the next packet on, bodies may be as long as this. */
  allow(limitBytes: number): void {
    this.#limitBytes = limitBytes;
  }

  /** Takes the next bytes of the stream. */
  take(chunk: Uint8Array): PacketObjection | null {
    let offset = 0;
    while (offset < chunk.byteLength) {
      if (this.#expects === 'body') {
        offset += this.#skipBody(chunk.byteLength - offset);
        continue;
      }
      const objection = this.#takeHeaderByte(chunk[offset] ?? 0);
      if (objection !== null) return objection;
      offset += 1;
    }
    return null;
  }

  #takeHeaderByte(byte: number): PacketObjection | null {
    return this.#expects === 'type' ? this.#takeType(byte) : this.#takeLengthDigit(byte);
  }

  #takeType(byte: number): PacketObjection | null {
    if (this.#isFirst && byte >> 4 !== CONNECT_TYPE) return 'not-connect';
    this.#isFirst = false;
    this.#expects = 'length';
    this.#lengthBytes = 0;
    this.#lengthDigits = 0;
    return null;
  }

  #takeLengthDigit(byte: number): PacketObjection | null {
    this.#lengthBytes += (byte & 0x7f) * 128 ** this.#lengthDigits;
    this.#lengthDigits += 1;
    if (this.#lengthBytes > this.#limitBytes) return 'too-long';
    const isComplete = (byte & 0x80) === 0;
    if (!isComplete) return this.#lengthDigits < MAX_LENGTH_DIGITS ? null : 'malformed';
    this.#expects = this.#lengthBytes === 0 ? 'type' : 'body';
    return null;
  }

  #skipBody(availableBytes: number): number {
    const skipped = Math.min(availableBytes, this.#lengthBytes);
    this.#lengthBytes -= skipped;
    if (this.#lengthBytes === 0) this.#expects = 'type';
    return skipped;
  }
}
