import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { openOggOpus, type OggOpusReader } from '@loalang/shared/ogg';

/** A checked file of the cache, as a plain value: whoever plays it opens it, in whatever thread. */
export interface AssetFile {
  readonly path: string;
  readonly bytes: number;
}

/** Opens the audio; null where the file has gone meanwhile. Throws where it is damaged. */
export function openAssetFile({ path, bytes }: AssetFile): OggOpusReader | null {
  if (!existsSync(path)) return null;
  return openOggOpus({ size: bytes, readAt: (offset, length) => readAt(path, offset, length) });
}

// Opened for each read: a window is read every few seconds of audio, and no handle can leak from a reader that is
// dropped in the middle. What can't be read ends the audio there.
function readAt(path: string, offset: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
  } catch (error) {
    if (error instanceof Error) return new Uint8Array(0);
    throw error;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
