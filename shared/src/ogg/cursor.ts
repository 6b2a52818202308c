// Where in the stream reading is: gives one packet after the other, page by page.
import { OggError } from './error.ts';
import { PacketAssembler } from './packets.ts';
import type { OggPage, ParsedPage } from './page.ts';
import { readPageAt } from './source.ts';
import type { OggSource, PlacedPage } from './source.ts';

/** The part of a file that holds the pages with audio. */
export interface AudioRange {
  readonly serial: number;
  readonly startOffset: number;
  readonly firstSequence: number;
  /** Where the last whole page ends; what follows is cut off or does not belong to the stream. */
  readonly endOffset: number;
}

export class PacketCursor {
  readonly #source: OggSource;
  readonly #range: AudioRange;
  readonly #assembler = new PacketAssembler();
  #packets: Uint8Array[] = [];
  #offset: number;
  #sequence: number;
  #isEnded = false;

  constructor(source: OggSource, range: AudioRange) {
    this.#source = source;
    this.#range = range;
    this.#offset = range.startOffset;
    this.#sequence = range.firstSequence;
  }

  /** Goes before the first packet. */
  toStart(): void {
    this.#place(this.#range.startOffset, this.#range.firstSequence);
  }

  /** Goes behind the last packet that ends on this page. */
  toEndOf({ page, endOffset }: PlacedPage): void {
    this.#place(endOffset, nextSequence(page));
    this.#isEnded = page.isLast;
    this.#assembler.enter(page);
  }

  /** Goes behind the last packet. */
  toEnd(): void {
    this.#place(this.#range.endOffset, 0);
    this.#isEnded = true;
  }

  /** The packet that `next` will give, or null at the end. */
  peek(): Uint8Array | null {
    while (this.#packets.length === 0) {
      const page = this.nextPage();
      if (page === null) return null;
      this.#packets = this.#assembler.take(page);
    }
    return this.#packets[0] ?? null;
  }

  next(): Uint8Array | null {
    const packet = this.peek();
    this.#packets.shift();
    return packet;
  }

  /** The next page, checked to be the one that follows; null at the end of the stream. */
  nextPage(): OggPage | null {
    if (this.#isEnded) return null;
    const parsed = readPageAt(this.#source, this.#offset);
    if (parsed.kind !== 'page') return this.#endOrRefuse(parsed);
    this.#assertFollows(parsed.page);
    this.#offset += parsed.byteLength;
    this.#sequence = nextSequence(parsed.page);
    this.#isEnded = parsed.page.isLast;
    this.#assertNoChain(parsed.page);
    return parsed.page;
  }

  #place(offset: number, sequence: number): void {
    this.#assembler.reset();
    this.#packets = [];
    this.#offset = offset;
    this.#sequence = sequence;
    this.#isEnded = false;
  }

  #endOrRefuse(parsed: Exclude<ParsedPage, { kind: 'page' }>): null {
    if (parsed.kind === 'bad-crc') {
      throw new OggError('OGG_BAD_CRC', `The Ogg page at byte ${this.#offset} is damaged`);
    }
    if (this.#offset >= this.#range.endOffset) return null;
    throw new OggError('OGG_MALFORMED', `No Ogg page begins at byte ${this.#offset}`);
  }

  #assertFollows(page: OggPage): void {
    assertSameStream(page, this.#range.serial);
    if (page.sequence !== this.#sequence) {
      throw new OggError('OGG_MALFORMED', `Ogg page ${this.#sequence} is missing; found ${page.sequence}`);
    }
  }

  // A stream that has ended with pages behind its end is the first of a chain (RFC 3533 §4).
  #assertNoChain(page: OggPage): void {
    if (!page.isLast || this.#offset >= this.#range.endOffset) return;
    throw new OggError('OGG_UNSUPPORTED', 'Another Ogg stream follows; chained files are not supported');
  }
}

/** Refuses a page of another stream, or one that begins a stream anew. */
export function assertSameStream(page: OggPage, serial: number): void {
  if (page.serial === serial && !page.isFirst) return;
  throw new OggError('OGG_UNSUPPORTED', 'The Ogg file holds more than one stream; only one is supported');
}

function nextSequence(page: OggPage): number {
  return (page.sequence + 1) % 2 ** 32;
}
