import { CONNECT_BYTES, CONTROL_BYTES, PACKETS_BEFORE_ANSWER } from './bounds.ts';
import { TokenBucket, type Rate } from './token-bucket.ts';

/** Why a connection's bytes are taken no further. */
export type PacketObjection = 'not-connect' | 'too-long' | 'malformed';

/** What of a chunk may be handed on: all of it, its beginning, or nothing for ever. */
export type Measured =
  { readonly objection: PacketObjection } | { readonly objection: null; readonly takenBytes: number };

/** What a connection may send. */
export interface Allowance {
  /** The longest message. */
  readonly messageBytes: number;
  readonly packets: Rate;
  readonly bytes: Rate;
}

/** Who has not signed in sends one CONNECT, and perhaps what it would send next. */
const beforeSignIn: Allowance = {
  messageBytes: CONTROL_BYTES,
  packets: { burst: 1 + PACKETS_BEFORE_ANSWER, perSecond: 1 },
  bytes: { burst: CONNECT_BYTES + PACKETS_BEFORE_ANSWER * CONTROL_BYTES, perSecond: CONNECT_BYTES },
};

const CONNECT_TYPE = 1;
const PUBLISH_TYPE = 3;
const MAX_LENGTH_DIGITS = 4;

/**
 * Follows the framing of MQTT packets (MQTT 3.1.1 §2.2.3) in a stream of chunks cut anywhere. Objects as soon as a
 * header announces too much, before the body has come, and lets no more packets and bytes through than are allowed a
 * second. Holds no bytes. After an objection it is of no more use.
 */
export class PacketMeter {
  readonly #nowMs: () => number;
  #messageBytes = beforeSignIn.messageBytes;
  #packets: TokenBucket;
  #bytes: TokenBucket;
  #expects: 'type' | 'length' | 'body' = 'type';
  #type = 0;
  #packetCount = 0;
  #lengthBytes = 0;
  #lengthDigits = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#packets = new TokenBucket(beforeSignIn.packets, nowMs());
    this.#bytes = new TokenBucket(beforeSignIn.bytes, nowMs());
  }

  /** Packets begun so far. */
  get packetCount(): number {
    return this.#packetCount;
  }

  /** From the next packet on. */
  allow({ messageBytes, packets, bytes }: Allowance): void {
    const now = this.#nowMs();
    this.#messageBytes = messageBytes;
    this.#packets = new TokenBucket(packets, now);
    this.#bytes = new TokenBucket(bytes, now);
  }

  /** How long until more may be handed on. */
  get waitMs(): number {
    const now = this.#nowMs();
    return Math.max(this.#packets.waitMs(now), this.#bytes.waitMs(now));
  }

  /** Takes the next bytes of the stream. What it does not take is to be offered again. */
  take(chunk: Uint8Array): Measured {
    const now = this.#nowMs();
    let offset = 0;
    // The last chunk may cost more than there is; then there is nothing until that is paid back.
    if (this.#bytes.level(now) < 1) return { objection: null, takenBytes: 0 };
    while (offset < chunk.byteLength) {
      if (this.#expects === 'body') {
        offset += this.#skipBody(chunk.byteLength - offset);
        continue;
      }
      if (this.#expects === 'type' && !this.#packets.take(now)) break;
      const objection = this.#takeHeaderByte(chunk[offset] ?? 0);
      if (objection !== null) return { objection };
      offset += 1;
    }
    this.#bytes.charge(offset, now);
    return { objection: null, takenBytes: offset };
  }

  #takeHeaderByte(byte: number): PacketObjection | null {
    return this.#expects === 'type' ? this.#takeType(byte) : this.#takeLengthDigit(byte);
  }

  #takeType(byte: number): PacketObjection | null {
    this.#type = byte >> 4;
    if (this.#packetCount === 0 && this.#type !== CONNECT_TYPE) return 'not-connect';
    this.#packetCount += 1;
    this.#expects = 'length';
    this.#lengthBytes = 0;
    this.#lengthDigits = 0;
    return null;
  }

  #takeLengthDigit(byte: number): PacketObjection | null {
    this.#lengthBytes += (byte & 0x7f) * 128 ** this.#lengthDigits;
    this.#lengthDigits += 1;
    if (this.#lengthBytes > this.#limitBytes()) return 'too-long';
    const isComplete = (byte & 0x80) === 0;
    if (!isComplete) return this.#lengthDigits < MAX_LENGTH_DIGITS ? null : 'malformed';
    this.#expects = this.#lengthBytes === 0 ? 'type' : 'body';
    return null;
  }

  #limitBytes(): number {
    if (this.#type === CONNECT_TYPE) return CONNECT_BYTES;
    return this.#type === PUBLISH_TYPE ? this.#messageBytes : CONTROL_BYTES;
  }

  #skipBody(availableBytes: number): number {
    const skipped = Math.min(availableBytes, this.#lengthBytes);
    this.#lengthBytes -= skipped;
    if (this.#lengthBytes === 0) this.#expects = 'type';
    return skipped;
  }
}
