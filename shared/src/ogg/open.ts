// What is learnt when a file is opened: that it is one Ogg Opus stream, where its audio lies, and how
// long it is. Reads the header pages, the first page with audio and the last page.
import { opusPacketDurationUs } from '../opus/packet.ts';
import { PacketCursor, assertSameStream } from './cursor.ts';
import type { AudioRange } from './cursor.ts';
import { OggError } from './error.ts';
import { isOpusTags, parseOpusHead } from './headers.ts';
import type { OpusHead } from './headers.ts';
import { PacketAssembler } from './packets.ts';
import { findLastPage, readPageAt } from './source.ts';
import type { OggSource, PlacedPage } from './source.ts';

export interface OpenedStream {
  readonly head: OpusHead;
  readonly range: AudioRange;
  /** Granule position at which the first packet begins; not zero in a cut from a longer stream. */
  readonly startGranule: number;
  readonly endGranule: number;
}

// A packet of audio takes at least one lacing value and holds at most 120 ms (5760 samples).
const MAX_SAMPLES_PER_BYTE = 5_760;
// How many pages in a row may hold only the middle of one packet; three fill the longest allowed.
const MAX_PAGES_WITHOUT_END = 4;

/** Reads the headers and the two ends of the audio; throws `OggError` for what is not such a file. */
export function openStream(source: OggSource): OpenedStream {
  const { head, first } = readHead(source);
  const lastHeader = skipTags(source, first);
  const range: AudioRange = {
    serial: first.page.serial,
    startOffset: lastHeader.endOffset,
    firstSequence: lastHeader.page.sequence + 1,
    endOffset: findLastPage(source, lastHeader.endOffset, source.size)?.endOffset ?? lastHeader.endOffset,
  };
  const startGranule = readStartGranule(source, range);
  const endGranule = readEndGranule(source, range) ?? startGranule;
  assertPlausible(range, endGranule - startGranule);
  return { head, range, startGranule, endGranule };
}

/** Samples at 48 kHz in a packet; none in one that is malformed. */
export function packetSamples(packet: Uint8Array): number {
  return ((opusPacketDurationUs(packet) ?? 0) * 48) / 1_000;
}

// RFC 7845 §3: the identification header has the first page to itself.
function readHead(source: OggSource): { head: OpusHead; first: PlacedPage } {
  const first = requireHeaderPage(source, 0);
  const packets = new PacketAssembler().take(first.page);
  const head = parseOpusHead(packets[0] ?? first.page.body);
  if (!first.page.isFirst || packets.length !== 1) {
    throw new OggError('OGG_MALFORMED', 'The first Ogg page is not an Opus header page');
  }
  return { head, first };
}

// RFC 7845 §3: the comment header may span pages and ends its last one. Its content, which may be a
// picture of megabytes, is not kept.
function skipTags(source: OggSource, first: PlacedPage): PlacedPage {
  let placed = first;
  for (let count = 0; ; count += 1) {
    placed = requireHeaderPage(source, placed.endOffset);
    assertSameStream(placed.page, first.page.serial);
    if (count === 0 && !isOpusTags(placed.page.body)) {
      throw new OggError('OGG_NOT_OPUS', 'The Ogg stream has no OpusTags packet behind its OpusHead');
    }
    if (placed.page.lacing.some((length) => length < 255)) return placed;
  }
}

function requireHeaderPage(source: OggSource, offset: number): PlacedPage {
  const parsed = readPageAt(source, offset);
  if (parsed.kind === 'page') return { page: parsed.page, offset, endOffset: offset + parsed.byteLength };
  if (offset >= source.size || parsed.kind === 'cut-off') {
    throw new OggError('OGG_TRUNCATED', `The file ends within the Opus headers, after ${source.size} bytes`);
  }
  if (parsed.kind === 'bad-crc')
    throw new OggError('OGG_BAD_CRC', `The Ogg page at byte ${offset} is damaged`);
  throw new OggError(offset === 0 ? 'OGG_NOT_OGG' : 'OGG_MALFORMED', `No Ogg page begins at byte ${offset}`);
}

// RFC 7845 §4.5: the first granule position less the samples up to it. Only a stream so short that its
// first page is its last may say less than it holds: that trims the end.
function readStartGranule(source: OggSource, range: AudioRange): number {
  const cursor = new PacketCursor(source, range);
  const assembler = new PacketAssembler();
  let samples = 0;
  for (let page = cursor.nextPage(); page !== null; page = cursor.nextPage()) {
    samples += assembler.take(page).reduce((sum, packet) => sum + packetSamples(packet), 0);
    if (page.granule === null) continue;
    if (page.granule >= samples) return page.granule - samples;
    if (page.isLast) return 0;
    throw new OggError('OGG_MALFORMED', `The first Ogg granule position ${page.granule} is below ${samples}`);
  }
  return 0;
}

function readEndGranule(source: OggSource, range: AudioRange): number | null {
  let to = range.endOffset;
  for (let count = 0; count < MAX_PAGES_WITHOUT_END; count += 1) {
    const last = findLastPage(source, range.startOffset, to);
    if (last === null) return null;
    assertSameStream(last.page, range.serial);
    if (last.page.granule !== null) return last.page.granule;
    to = last.offset;
  }
  throw new OggError('OGG_MALFORMED', 'No packet ends on the last Ogg pages');
}

function assertPlausible(range: AudioRange, samples: number): void {
  const most = (range.endOffset - range.startOffset) * MAX_SAMPLES_PER_BYTE;
  if (samples >= 0 && samples <= most) return;
  throw new OggError('OGG_MALFORMED', `The Ogg granule positions claim ${samples} samples`);
}
