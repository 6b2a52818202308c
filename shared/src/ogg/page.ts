// One Ogg page (RFC 3533 §6): how its bytes are read and written.
import { oggCrc } from './crc.ts';

export const FIXED_HEADER_BYTES = 27;
export const MAX_SEGMENTS = 255;
export const MAX_PAGE_BYTES = FIXED_HEADER_BYTES + MAX_SEGMENTS + MAX_SEGMENTS * 255;

const CAPTURE = [0x4f, 0x67, 0x67, 0x53] as const; // OggS
const CRC_OFFSET = 22;
const FLAG_CONTINUED = 1;
const FLAG_FIRST = 2;
const FLAG_LAST = 4;

export interface OggPage {
  readonly serial: number;
  readonly sequence: number;
  /** Samples up to the end of the last packet that ends here; null if none does. */
  readonly granule: number | null;
  readonly isContinued: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** How long each piece is; a piece of 255 bytes goes on in the next one. */
  readonly lacing: Uint8Array;
  readonly body: Uint8Array;
}

export type ParsedPage =
  | { kind: 'page'; page: OggPage; byteLength: number }
  | { kind: 'not-a-page' }
  | { kind: 'cut-off' }
  | { kind: 'bad-crc'; byteLength: number };

/** Reads the page at the beginning of `bytes`, of which more may follow. The page owns its bytes. */
export function parsePage(bytes: Uint8Array): ParsedPage {
  if (!beginsAsPage(bytes)) return { kind: 'not-a-page' };
  const byteLength = pageByteLength(bytes);
  if (byteLength === null || bytes.byteLength < byteLength) return { kind: 'cut-off' };
  const own = bytes.slice(0, byteLength);
  if (storedCrc(own) !== computedCrc(own)) return { kind: 'bad-crc', byteLength };
  const page = decodePage(own);
  return page === null ? { kind: 'not-a-page' } : { kind: 'page', page, byteLength };
}

/** The bytes of a page, checksum included. */
export function encodePage(page: OggPage): Uint8Array {
  const bytes = new Uint8Array(FIXED_HEADER_BYTES + page.lacing.byteLength + page.body.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(CAPTURE, 0);
  bytes[5] = flagsOf(page);
  view.setBigInt64(6, BigInt(page.granule ?? -1), true);
  view.setUint32(14, page.serial, true);
  view.setUint32(18, page.sequence, true);
  bytes[26] = page.lacing.byteLength;
  bytes.set(page.lacing, FIXED_HEADER_BYTES);
  bytes.set(page.body, FIXED_HEADER_BYTES + page.lacing.byteLength);
  view.setUint32(CRC_OFFSET, computedCrc(bytes), true);
  return bytes;
}

// A file cut within the first bytes of a page still begins as one.
function beginsAsPage(bytes: Uint8Array): boolean {
  if (bytes.byteLength === 0) return false;
  const hasCapture = CAPTURE.every((byte, index) => index >= bytes.byteLength || bytes[index] === byte);
  return hasCapture && (bytes[4] ?? 0) === 0;
}

function pageByteLength(bytes: Uint8Array): number | null {
  const segments = bytes[26];
  if (segments === undefined) return null;
  const headerBytes = FIXED_HEADER_BYTES + segments;
  if (bytes.byteLength < headerBytes) return null;
  return bytes.subarray(FIXED_HEADER_BYTES, headerBytes).reduce((sum, length) => sum + length, headerBytes);
}

function decodePage(bytes: Uint8Array): OggPage | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const granule = Number(view.getBigInt64(6, true));
  // -1 means that no packet ends on this page; anything else below zero means nothing.
  if (granule < -1 || granule > Number.MAX_SAFE_INTEGER) return null;
  const flags = view.getUint8(5);
  const bodyOffset = FIXED_HEADER_BYTES + view.getUint8(26);
  return {
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    granule: granule === -1 ? null : granule,
    isContinued: (flags & FLAG_CONTINUED) !== 0,
    isFirst: (flags & FLAG_FIRST) !== 0,
    isLast: (flags & FLAG_LAST) !== 0,
    lacing: bytes.subarray(FIXED_HEADER_BYTES, bodyOffset),
    body: bytes.subarray(bodyOffset),
  };
}

function flagsOf(page: OggPage): number {
  const continued = page.isContinued ? FLAG_CONTINUED : 0;
  const first = page.isFirst ? FLAG_FIRST : 0;
  return continued | first | (page.isLast ? FLAG_LAST : 0);
}

function storedCrc(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(CRC_OFFSET, true);
}

// The checksum is taken with its own field as zeros.
function computedCrc(bytes: Uint8Array): number {
  const before = oggCrc(bytes.subarray(0, CRC_OFFSET));
  return oggCrc(bytes.subarray(CRC_OFFSET + 4), oggCrc(new Uint8Array(4), before));
}
