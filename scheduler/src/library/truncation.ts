/** Tells a file that was cut off from a whole one, by what its container promises against what is there. */
import { open, type FileHandle } from 'node:fs/promises';
import type { Probe } from './probe.ts';

/** Encoder delay, padding and rounding make a whole file up to this much shorter than its container says. */
const TOLERANCE_MS = 250;
const WAV_HEAD_BYTES = 64 * 1024;
/** RFC 3533 §6: a page has at most 65,307 bytes. */
const OGG_TAIL_BYTES = 65_307;

/** The container's own marks of its end, which ffmpeg does not look at. */
export async function isCutOff(path: string, { format }: Probe): Promise<boolean> {
  if (format !== 'wav' && format !== 'ogg') return false;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (format === 'wav') return isWavCutOff(await read(file, 0, WAV_HEAD_BYTES), size);
    return isOggCutOff(await read(file, Math.max(0, size - OGG_TAIL_BYTES), OGG_TAIL_BYTES));
  } finally {
    await file.close();
  }
}

/** What decoding gave against what the container promised, and what the decoder said on the way. */
export function isDecodedShort(
  probe: Probe,
  decodedMs: number,
  log: { readonly isPacketCut: boolean },
): boolean {
  if (probe.declaredMs !== null) return decodedMs < probe.declaredMs - TOLERANCE_MS;
  // Raw AAC says nothing of its length; its last frame is cut.
  return probe.format === 'aac' && log.isPacketCut;
}

/** The data chunk reaches beyond the end of the file. Streamed files say 0 or the largest number: unknown. */
export function isWavCutOff(head: Buffer, fileBytes: number): boolean {
  for (let at = 12; at + 8 <= head.length;) {
    const chunkBytes = head.readUInt32LE(at + 4);
    if (head.toString('latin1', at, at + 4) === 'data') {
      return chunkBytes !== 0 && chunkBytes < 0xffff_ff00 && at + 8 + chunkBytes > fileBytes;
    }
    at += 8 + chunkBytes + (chunkBytes % 2);
  }
  return false;
}

/** RFC 3533 §6: the last page of a stream carries the end-of-stream flag; and the file ends where that page does. */
export function isOggCutOff(tail: Buffer): boolean {
  const at = tail.lastIndexOf('OggS');
  if (at < 0 || at + 27 > tail.length) return true;
  const segments = tail.subarray(at + 27, at + 27 + tail.readUInt8(at + 26));
  const pageBytes = 27 + segments.length + segments.reduce((sum, bytes) => sum + bytes, 0);
  const isEndOfStream = (tail.readUInt8(at + 5) & 4) !== 0;
  return !isEndOfStream || at + pageBytes > tail.length;
}

async function read(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}
