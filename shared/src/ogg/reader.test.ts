// Streams built page by page: what the formats allow, and what is refused.
import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { oggCrc } from './crc.ts';
import { encodeOpusHead, encodeOpusTags } from './headers.ts';
import { OggError, OggOpusWriter, openOggOpus } from './index.ts';
import type { OggErrorCode, OggOpusReader, OggSource } from './index.ts';
import { encodePage, parsePage } from './page.ts';
import type { OggPage } from './page.ts';

const SERIAL = 77;
const PRE_SKIP = 312;
const NOTHING = new Uint8Array(0);

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

const sourceOf = (bytes: Uint8Array): OggSource => ({
  size: bytes.byteLength,
  readAt: (offset, length) => bytes.subarray(offset, offset + length),
});

const open = (...parts: Uint8Array[]): OggOpusReader => openOggOpus(sourceOf(join(...parts)));

/** A 20 ms packet that tells its number. */
const packet = (number: number, byteLength = 60): Uint8Array =>
  Uint8Array.from({ length: byteLength }, (_, index) => (index === 0 ? 0x08 : (number + index) & 0xff));

const page = (change: Partial<OggPage>): Uint8Array =>
  encodePage({
    serial: SERIAL,
    sequence: 2,
    granule: null,
    isContinued: false,
    isFirst: false,
    isLast: false,
    lacing: NOTHING,
    body: NOTHING,
    ...change,
  });

const whole = (content: Uint8Array, change: Partial<OggPage>): Uint8Array =>
  page({ lacing: Uint8Array.of(content.byteLength), body: content, granule: 0, ...change });

const HEAD = whole(encodeOpusHead(PRE_SKIP), { sequence: 0, isFirst: true });
const TAGS = whole(encodeOpusTags(), { sequence: 1 });
const HEADERS = join(HEAD, TAGS);

function write(count: number, packetsPerPage: number, byteLength = 60): Uint8Array {
  const writer = new OggOpusWriter({ serial: SERIAL, packetsPerPage });
  const parts = [writer.head()];
  for (let number = 0; number < count; number += 1)
    parts.push(writer.add(packet(number, byteLength)) ?? NOTHING);
  return join(...parts, writer.finish());
}

function drain(reader: OggOpusReader): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let next = reader.next(); next !== null; next = reader.next()) packets.push(next);
  return packets;
}

function codeOf(action: () => unknown): OggErrorCode | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof OggError) return error.code;
    throw error;
  }
}

const numbered = (count: number, byteLength = 60): Uint8Array[] =>
  Array.from({ length: count }, (_, number) => packet(number, byteLength));

/** Where each page begins, and the length of the file. */
function pageOffsets(bytes: Uint8Array): number[] {
  const offsets: number[] = [];
  for (let offset = 0; offset < bytes.byteLength;) {
    offsets.push(offset);
    const parsed = parsePage(bytes.subarray(offset));
    offset += parsed.kind === 'page' ? parsed.byteLength : bytes.byteLength;
  }
  return [...offsets, bytes.byteLength];
}

describe('reading', () => {
  it.each([1, 2, 7, 50, 255])('gives what was written, with %i packets a page', (packetsPerPage) => {
    const reader = open(write(300, packetsPerPage));
    expect(reader.info).toEqual({
      preSkip: PRE_SKIP,
      channels: 1,
      totalSamples: 300 * 960 - PRE_SKIP,
      outputGainDb: 0,
    });
    expect(drain(reader)).toEqual(numbered(300));
    expect(reader.next()).toBeNull();
  });

  it.each([1, 254, 255, 256, 509, 510, 511, 1_275])('gives packets of %i bytes', (byteLength) => {
    expect(drain(open(write(120, 50, byteLength)))).toEqual(numbered(120, byteLength));
  });

  it('joins a packet that spans three pages', () => {
    const long = packet(9, 255 * 3 + 20);
    const piece = (index: number): Uint8Array => long.subarray(index * 255, index * 255 + 255);
    const full = Uint8Array.of(255);
    const reader = open(
      HEADERS,
      page({ lacing: Uint8Array.of(60, 255), body: join(packet(0), piece(0)), granule: 960 }),
      page({ sequence: 3, lacing: full, body: piece(1), isContinued: true }),
      page({ sequence: 4, lacing: full, body: piece(2), isContinued: true }),
      page({
        sequence: 5,
        lacing: Uint8Array.of(20, 60),
        body: join(long.subarray(765), packet(2)),
        isContinued: true,
        isLast: true,
        granule: 2_880,
      }),
    );
    expect(drain(reader)).toEqual([packet(0), long, packet(2)]);
    expect(reader.seek(0)).toEqual({ skipSamples: PRE_SKIP });
    expect(drain(reader)).toHaveLength(3);
  });

  it('enters a page at the packet that begins on it and ends on the next', () => {
    const long = packet(9, 300);
    const pages = [HEADERS];
    for (let index = 0; index < 20; index += 1) {
      const isContinued = index > 0;
      const begins = index < 19;
      const lacing = [...(isContinued ? [45] : []), ...(begins ? [255] : [])];
      const body = join(isContinued ? long.subarray(255) : NOTHING, begins ? long.subarray(0, 255) : NOTHING);
      const granule = isContinued ? index * 960 : null;
      pages.push(page({ sequence: 2 + index, lacing: Uint8Array.from(lacing), body, isContinued, granule }));
    }
    const reader = open(...pages);
    const sample = 10 * 960 - PRE_SKIP;
    expect(reader.seek(sample)).toEqual({ skipSamples: 3_840 });
    expect(drain(reader)).toEqual(Array.from({ length: 19 - 6 }, () => long));
  });

  it('passes over comments that fill several pages', () => {
    const tags = join(encodeOpusTags(), new Uint8Array(255 * 300));
    const cut = 255 * 255;
    const rest = tags.subarray(cut);
    const lacing = Uint8Array.from([...Array.from({ length: 45 }, () => 255), rest.byteLength - 45 * 255]);
    const reader = open(
      HEAD,
      page({ sequence: 1, lacing: new Uint8Array(255).fill(255), body: tags.subarray(0, cut) }),
      page({ sequence: 2, lacing, body: rest, isContinued: true, granule: 0 }),
      whole(packet(1), { sequence: 3, granule: 960, isLast: true }),
    );
    expect(drain(reader)).toEqual([packet(1)]);
  });

  it('counts from the first packet of a stream cut from a longer one', () => {
    const reader = open(
      HEADERS,
      whole(packet(0), { granule: 960_960 }),
      whole(packet(1), { sequence: 3, granule: 961_920, isLast: true }),
    );
    expect(reader.info.totalSamples).toBe(1_920 - PRE_SKIP);
    expect(reader.seek(1_000)).toEqual({ skipSamples: 1_312 });
    expect(drain(reader)).toHaveLength(2);
  });

  it('believes the end trim of a stream of one page', () => {
    expect(open(HEADERS, whole(packet(0), { granule: 500, isLast: true })).info.totalSamples).toBe(188);
  });

  it('gives no packets of a stream without audio', () => {
    const reader = open(HEADERS);
    expect(reader.info.totalSamples).toBe(0);
    expect(reader.next()).toBeNull();
    expect(reader.seek(5)).toEqual({ skipSamples: 0 });
    expect(reader.next()).toBeNull();
  });

  it('gives nothing after a seek to the end, and everything after a seek back', () => {
    const reader = open(write(300, 50));
    expect(reader.seek(reader.info.totalSamples)).toEqual({ skipSamples: 0 });
    expect(reader.next()).toBeNull();
    expect(reader.seek(0)).toEqual({ skipSamples: PRE_SKIP });
    expect(drain(reader)).toEqual(numbered(300));
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a seek to %d', (sample) => {
    expect(() => open(write(3, 50)).seek(sample)).toThrow(RangeError);
  });

  it('gives bytes that a reused buffer of the source does not overwrite', () => {
    const bytes = write(300, 50);
    const shared = new Uint8Array(70_000);
    const reader = openOggOpus({
      size: bytes.byteLength,
      readAt(offset, length) {
        shared.fill(0xee);
        shared.set(bytes.subarray(offset, offset + length));
        return shared.subarray(0, length);
      },
    });
    expect(drain(reader)).toEqual(numbered(300));
  });
});

describe('seeking in an hour of audio', () => {
  const PACKETS = 180_000;
  const writer = new OggOpusWriter();
  const pages = [writer.head()];
  for (let number = 0; number < PACKETS; number += 1) pages.push(writer.add(packet(number)) ?? NOTHING);
  const bytes = Buffer.concat([...pages, writer.finish()]);

  it('reads a few pages, and starts 80 to 100 ms before the sample', () => {
    let readBytes = 0;
    const reader = openOggOpus({
      size: bytes.byteLength,
      readAt(offset, length) {
        readBytes += length;
        return bytes.subarray(offset, offset + length);
      },
    });
    for (let sample = 1_000; sample < reader.info.totalSamples; sample += 17_777_777) {
      readBytes = 0;
      const { skipSamples } = reader.seek(sample);
      const firstPacket = Math.max(0, Math.floor((sample + PRE_SKIP - 3_840) / 960));
      expect(skipSamples).toBe(sample + PRE_SKIP - firstPacket * 960);
      expect(reader.next()).toEqual(packet(firstPacket));
      expect(readBytes).toBeLessThan(200_000);
    }
  });
});

describe('refusing', () => {
  const good = write(300, 50);
  const other = new OggOpusWriter({ serial: SERIAL + 1 });
  const otherFile = join(other.head(), other.finish());
  const vorbis = whole(Uint8Array.from([1, ...new TextEncoder().encode('vorbis'), ...new Uint8Array(23)]), {
    sequence: 0,
    isFirst: true,
  });
  const head = (offset: number, value: number): Uint8Array =>
    whole(encodeOpusHead(PRE_SKIP).with(offset, value), { sequence: 0, isFirst: true });

  it.each([
    { name: 'an empty file', bytes: NOTHING, code: 'OGG_TRUNCATED' },
    { name: 'three bytes of a header', bytes: good.subarray(0, 3), code: 'OGG_TRUNCATED' },
    { name: 'half a first page', bytes: good.subarray(0, 40), code: 'OGG_TRUNCATED' },
    { name: 'a file without comments', bytes: HEAD, code: 'OGG_TRUNCATED' },
    { name: 'half the comments', bytes: good.subarray(0, 60), code: 'OGG_TRUNCATED' },
    { name: 'a text', bytes: new TextEncoder().encode('Loa loa loa'), code: 'OGG_NOT_OGG' },
    { name: 'zeros', bytes: new Uint8Array(100_000), code: 'OGG_NOT_OGG' },
    { name: 'Ogg Vorbis', bytes: join(vorbis, TAGS), code: 'OGG_NOT_OPUS' },
    { name: 'no comments', bytes: join(HEAD, whole(packet(0), { sequence: 1 })), code: 'OGG_NOT_OPUS' },
    { name: 'a damaged header', bytes: good.with(30, 0), code: 'OGG_BAD_CRC' },
    { name: 'six channels', bytes: join(head(9, 6), TAGS), code: 'OGG_UNSUPPORTED' },
    { name: 'mapping family 1', bytes: join(head(18, 1), TAGS), code: 'OGG_UNSUPPORTED' },
    { name: 'header version 16', bytes: join(head(8, 16), TAGS), code: 'OGG_UNSUPPORTED' },
    { name: 'a chain of two streams', bytes: join(good, otherFile), code: 'OGG_UNSUPPORTED' },
    { name: 'a chain of the same stream twice', bytes: join(good, good), code: 'OGG_UNSUPPORTED' },
    {
      name: 'two streams side by side',
      bytes: join(HEAD, whole(encodeOpusHead(0), { serial: 1, sequence: 0, isFirst: true }), TAGS),
      code: 'OGG_UNSUPPORTED',
    },
    {
      name: 'a page of another stream in the middle',
      bytes: join(
        HEADERS,
        whole(packet(0), { granule: 960 }),
        whole(packet(1), { serial: 1, sequence: 3, granule: 1_920 }),
        whole(packet(2), { sequence: 4, granule: 2_880 }),
      ),
      code: 'OGG_UNSUPPORTED',
    },
    {
      name: 'a missing page',
      bytes: join(
        HEADERS,
        whole(packet(0), { granule: 960 }),
        whole(packet(1), { sequence: 4, granule: 1_920 }),
      ),
      code: 'OGG_MALFORMED',
    },
    {
      name: 'a page that continues nothing',
      bytes: join(HEADERS, whole(packet(0), { isContinued: true, granule: 960 })),
      code: 'OGG_MALFORMED',
    },
    {
      name: 'a first granule position that is too low',
      bytes: join(HEADERS, whole(packet(0), { granule: 959 })),
      code: 'OGG_MALFORMED',
    },
    {
      name: 'a granule position of years',
      bytes: join(
        HEADERS,
        whole(packet(0), { granule: 960 }),
        whole(packet(1), { sequence: 3, granule: 2 ** 50 }),
      ),
      code: 'OGG_MALFORMED',
    },
  ])('$name: $code', ({ bytes, code }) => {
    expect(codeOf(() => drain(open(bytes)))).toBe(code);
  });

  it('gives what is whole of a file cut anywhere behind its headers', () => {
    const offsets = pageOffsets(good);
    for (let length = offsets[2] ?? 0; length < good.byteLength; length += 5) {
      const wholePages = offsets.filter((offset) => offset <= length).length - 3;
      const reader = openOggOpus(sourceOf(good.subarray(0, length)));
      expect(reader.info.totalSamples).toBe(Math.max(0, wholePages * 50 * 960 - PRE_SKIP));
      if (length % 29 === 0) expect(drain(reader)).toEqual(numbered(wholePages * 50));
    }
  });

  it.each([1, 3, 30, 200_000])('passes over %i bytes of garbage after the end', (length) => {
    const garbage = Uint8Array.from({ length }, (_, index) => (index * 7919) & 0xff);
    const reader = open(good, garbage);
    expect(reader.info.totalSamples).toBe(300 * 960 - PRE_SKIP);
    expect(drain(reader)).toEqual(numbered(300));
  });

  it('notices a damaged byte in any page of audio, and goes on after a seek past it', () => {
    const offsets = pageOffsets(good);
    const damaged = good.with((offsets[4] ?? 0) + 500, 0xaa ^ (good[(offsets[4] ?? 0) + 500] ?? 0));
    const reader = open(damaged);
    expect(codeOf(() => drain(reader))).toBe('OGG_BAD_CRC');
    expect(reader.seek(5 * 48_000)).toEqual({ skipSamples: 240_312 - 246 * 960 });
    expect(reader.next()).toEqual(packet(246));
  });

  it('notices damage in the last page', () => {
    expect(codeOf(() => drain(open(good.with(good.byteLength - 1, 0))))).toBe('OGG_BAD_CRC');
  });

  it('gives up on a file made of false beginnings', () => {
    const beginning = Uint8Array.of(0x4f, 0x67, 0x67, 0x53, ...new Uint8Array(22), 255);
    const bait = join(...Array.from({ length: 4_000 }, () => beginning));
    expect(codeOf(() => open(good, bait))).toBe('OGG_MALFORMED');
  });
});

/** Everything a receiver does; only OggError may come out, and it must end. */
const use = (bytes: Uint8Array, samples: number[]): void => {
  codeOf(() => {
    const reader = openOggOpus(sourceOf(bytes));
    expect(reader.info.totalSamples).toBeGreaterThanOrEqual(0);
    for (const sample of samples) {
      codeOf(() => expect(reader.seek(sample).skipSamples).toBeGreaterThanOrEqual(0));
      codeOf(() => reader.next());
    }
    codeOf(() => reader.seek(0));
    for (let count = 0; reader.next() !== null; count += 1) expect(count).toBeLessThan(bytes.byteLength);
  });
};

describe('any bytes', () => {
  const good = write(130, 10, 90);
  const offsets = pageOffsets(good);

  const samples = fc.array(fc.nat(150_000), { maxLength: 4 });
  const edits = fc.array(fc.tuple(fc.nat(good.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });

  it('never crash or hang the reader, whatever is changed, cut or moved', () => {
    const cut = fc.tuple(fc.nat(good.byteLength), fc.nat(good.byteLength), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(edits, cut, samples, (changes, [from, to, inserted], at) => {
        const bytes = good.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        use(bytes, at);
        use(join(bytes.subarray(0, from), inserted, bytes.subarray(to)), at);
        use(join(good.subarray(0, from), inserted, good.subarray(to)), at);
      }),
      { numRuns: 400 * inject('soak'), seed: 3 },
    );
  });

  it('never crash or hang the reader, though every checksum is right', () => {
    const change = fc.tuple(fc.nat(offsets.length - 2), fc.nat(60), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), samples, (changes, at) => {
        const bytes = good.slice();
        for (const [index, within, value] of changes) {
          const own = bytes.subarray(offsets[index], offsets[index + 1]);
          own[Math.min(within, own.byteLength - 1)] = value;
          own.fill(0, 22, 26);
          new DataView(own.buffer, own.byteOffset).setUint32(22, oggCrc(own), true);
        }
        use(bytes, at);
      }),
      { numRuns: 1_000 * inject('soak'), seed: 4 },
    );
  });
});
