// Finds a place in the stream by its granule position, in a few reads however long the file is.
import { assertSameStream } from './cursor.ts';
import type { AudioRange } from './cursor.ts';
import { OggError } from './error.ts';
import { findPageAfter, readPageAt } from './source.ts';
import type { OggSource, PlacedPage } from './source.ts';

// Below this it is cheaper to read on than to halve again: about four pages of speech.
const NEAR_BYTES = 16_384;

/** A page on which a packet ends, and the granule position of that end. */
export interface EntryPage {
  readonly placed: PlacedPage;
  readonly granule: number;
}

/**
 * The last page whose granule position is at most `granule`, so that the packet after it begins there;
 * null if even the first lies beyond. Halves the range of bytes until it is short, then reads on.
 */
export function findEntryPage(source: OggSource, range: AudioRange, granule: number): EntryPage | null {
  let best: EntryPage | null = null;
  let low = range.startOffset;
  let high = range.endOffset;
  while (high - low > NEAR_BYTES) {
    const middle = low + Math.floor((high - low) / 2);
    const found = findGranule(source, range, middle, high);
    if (found === null || found.granule > granule) {
      high = middle;
    } else {
      best = found;
      low = found.placed.endOffset;
    }
  }
  return readOn(source, range, low, granule) ?? best;
}

function findGranule(source: OggSource, range: AudioRange, from: number, to: number): EntryPage | null {
  let placed = findPageAfter(source, from, to);
  while (placed !== null) {
    assertSameStream(placed.page, range.serial);
    if (placed.page.granule !== null) return { placed, granule: placed.page.granule };
    placed = findPageAfter(source, placed.endOffset, to);
  }
  return null;
}

function readOn(source: OggSource, range: AudioRange, from: number, granule: number): EntryPage | null {
  let best: EntryPage | null = null;
  for (let offset = from; offset < range.endOffset;) {
    const placed = requirePage(source, offset);
    assertSameStream(placed.page, range.serial);
    if (placed.page.granule !== null) {
      if (placed.page.granule > granule) return best;
      best = { placed, granule: placed.page.granule };
    }
    offset = placed.endOffset;
  }
  return best;
}

function requirePage(source: OggSource, offset: number): PlacedPage {
  const parsed = readPageAt(source, offset);
  if (parsed.kind === 'page') return { page: parsed.page, offset, endOffset: offset + parsed.byteLength };
  const code = parsed.kind === 'bad-crc' ? 'OGG_BAD_CRC' : 'OGG_MALFORMED';
  throw new OggError(code, `No whole Ogg page begins at byte ${offset}`);
}
