// Finds pages in a file that is read through a callback. Nothing is kept between calls.
import { OggError } from './error.ts';
import { FIXED_HEADER_BYTES, MAX_PAGE_BYTES, MAX_SEGMENTS, parsePage } from './page.ts';
import type { OggPage, ParsedPage } from './page.ts';

/** A file: `readAt` gives the bytes from an offset on, fewer only if the file is shorter. */
export interface OggSource {
  readonly size: number;
  readAt(offset: number, length: number): Uint8Array;
}

/** A page and where it lies. */
export interface PlacedPage {
  readonly page: OggPage;
  readonly offset: number;
  readonly endOffset: number;
}

// Two or three pages of speech: reading more at once costs more than it saves.
const WINDOW_BYTES = 8_192;
// "OggS" hardly ever occurs inside audio. A file with more false beginnings than this is made to cost
// time, since the checksum of each must be computed.
const MAX_FALSE_BEGINNINGS = 256;

/** The page at exactly this offset, or what is there instead. */
export function readPageAt(source: OggSource, offset: number): ParsedPage {
  const header = readWithin(source, offset, FIXED_HEADER_BYTES + MAX_SEGMENTS);
  const first = parsePage(header);
  if (first.kind !== 'cut-off') return first;
  return parsePage(readWithin(source, offset, declaredBytes(header)));
}

/** The first whole page that begins in [from, to). */
export function findPageAfter(source: OggSource, from: number, to: number): PlacedPage | null {
  let falseBeginnings = 0;
  for (let start = from; start < to; start += WINDOW_BYTES) {
    for (const offset of beginningsIn(source, start, Math.min(to, start + WINDOW_BYTES))) {
      const found = place(readPageAt(source, offset), offset);
      if (found !== null) return found;
      falseBeginnings += 1;
      refuseTooMany(falseBeginnings);
    }
  }
  return null;
}

/** The last whole page that begins in [from, to), whatever follows it. */
export function findLastPage(source: OggSource, from: number, to: number): PlacedPage | null {
  let falseBeginnings = 0;
  for (let end = to; end > from; end -= WINDOW_BYTES) {
    for (const offset of beginningsIn(source, Math.max(from, end - WINDOW_BYTES), end).toReversed()) {
      const found = place(readPageAt(source, offset), offset);
      if (found !== null) return found;
      falseBeginnings += 1;
      refuseTooMany(falseBeginnings);
    }
  }
  return null;
}

function declaredBytes(header: Uint8Array): number {
  const segments = header[FIXED_HEADER_BYTES - 1] ?? 0;
  const lacing = header.subarray(FIXED_HEADER_BYTES, FIXED_HEADER_BYTES + segments);
  const byteLength = lacing.reduce((sum, length) => sum + length, FIXED_HEADER_BYTES + segments);
  return Math.min(byteLength, MAX_PAGE_BYTES);
}

// A window overlaps the next by three bytes, so that a beginning across the border is seen once.
function beginningsIn(source: OggSource, from: number, to: number): number[] {
  const bytes = readWithin(source, from, to - from + 3);
  const offsets: number[] = [];
  for (let index = bytes.indexOf(0x4f); index !== -1; index = bytes.indexOf(0x4f, index + 1)) {
    if (from + index >= to) break;
    if (bytes[index + 1] === 0x67 && bytes[index + 2] === 0x67 && bytes[index + 3] === 0x53) {
      offsets.push(from + index);
    }
  }
  return offsets;
}

function place(parsed: ParsedPage, offset: number): PlacedPage | null {
  return parsed.kind === 'page' ? { page: parsed.page, offset, endOffset: offset + parsed.byteLength } : null;
}

function readWithin(source: OggSource, offset: number, length: number): Uint8Array {
  const available = Math.min(length, source.size - offset);
  return available > 0 ? source.readAt(offset, available) : new Uint8Array(0);
}

function refuseTooMany(falseBeginnings: number): void {
  if (falseBeginnings < MAX_FALSE_BEGINNINGS) return;
  throw new OggError('OGG_MALFORMED', `More than ${MAX_FALSE_BEGINNINGS} broken Ogg pages in a row`);
}
