import { encodeOpusHead, encodeOpusTags } from './headers.ts';
import { MAX_SEGMENTS, encodePage } from './page.ts';

export interface OggOpusWriterOptions {
  /** Samples to drop at the beginning: the look-ahead of the encoder. */
  preSkip?: number;
  serial?: number;
  /** Fifty packets of 20 ms are a page a second, the most that RFC 7845 §6 advises. */
  packetsPerPage?: number;
}

// A packet never spans pages here: with its terminating lacing value it fits into one.
const MAX_PACKET_BYTES = (MAX_SEGMENTS - 1) * 255;

/** Writes one mono Ogg Opus stream: `head()`, then `add()` for each packet, then `finish()`. */
export class OggOpusWriter {
  readonly #preSkip: number;
  readonly #serial: number;
  readonly #packetsPerPage: number;
  #packets: Uint8Array[] = [];
  #sequence = 0;
  #granule = 0;

  /** By default: the look-ahead of libopus for speech, one page a second. */
  constructor({ preSkip = 312, serial = 1, packetsPerPage = 50 }: OggOpusWriterOptions = {}) {
    assertWithin('preSkip', preSkip, 0, 65_535);
    assertWithin('serial', serial, 0, 2 ** 32 - 1);
    assertWithin('packetsPerPage', packetsPerPage, 1, MAX_SEGMENTS);
    this.#preSkip = preSkip;
    this.#serial = serial;
    this.#packetsPerPage = packetsPerPage;
  }

  /** The two header pages. */
  head(): Uint8Array {
    const head = this.#page([encodeOpusHead(this.#preSkip)], 0, { isFirst: true, isLast: false });
    const tags = this.#page([encodeOpusTags()], 0, { isFirst: false, isLast: false });
    return concatenate([head, tags]);
  }

  /** Takes a packet of `samples` samples; gives the page before it if that is full now. */
  add(packet: Uint8Array, samples = 960): Uint8Array | null {
    assertWithin('packet length', packet.byteLength, 1, MAX_PACKET_BYTES);
    const page = this.#hasRoomFor(packet) ? null : this.#flush(false, this.#granule);
    this.#packets.push(packet.slice());
    this.#granule += samples;
    return page;
  }

  /** The last page, which ends the stream; `trimSamples` of the last packet are not to be heard. */
  finish(trimSamples = 0): Uint8Array {
    return this.#flush(true, Math.max(0, this.#granule - trimSamples));
  }

  #hasRoomFor(packet: Uint8Array): boolean {
    const used = this.#packets.reduce((sum, { byteLength }) => sum + segmentsOf(byteLength), 0);
    return (
      this.#packets.length < this.#packetsPerPage && used + segmentsOf(packet.byteLength) <= MAX_SEGMENTS
    );
  }

  #flush(isLast: boolean, granule: number): Uint8Array {
    const page = this.#page(this.#packets, granule, { isFirst: false, isLast });
    this.#packets = [];
    return page;
  }

  #page(packets: Uint8Array[], granule: number, flags: { isFirst: boolean; isLast: boolean }): Uint8Array {
    const sequence = this.#sequence;
    this.#sequence += 1;
    const lacing = Uint8Array.from(packets.flatMap(({ byteLength }) => lacingOf(byteLength)));
    const body = concatenate(packets);
    return encodePage({
      serial: this.#serial,
      sequence,
      granule,
      isContinued: false,
      ...flags,
      lacing,
      body,
    });
  }
}

function segmentsOf(byteLength: number): number {
  return Math.floor(byteLength / 255) + 1;
}

// RFC 3533 §5: as many 255s as fit, then what is left, which may be zero.
function lacingOf(byteLength: number): number[] {
  return [...Array.from({ length: segmentsOf(byteLength) - 1 }, () => 255), byteLength % 255];
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

function assertWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`Ogg ${name} ${value}; expected a whole number from ${least} to ${most}`);
}
