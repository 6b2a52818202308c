import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LoaLangError } from '@loalang/shared';

const BYTES_A_MB = 1024 * 1024;

/**
 * Writes an upload to a file and returns its size. Stops reading, and destroys the stream, at the first byte over the
 * limit. Throws AUDIO_TOO_BIG, AUDIO_EMPTY, AUDIO_UPLOAD_BROKEN (the sender broke off) or DISK_FULL.
 */
export async function receive(
  stream: Readable,
  path: string,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<number> {
  let bytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > options.maxBytes) {
        throw new LoaLangError('AUDIO_TOO_BIG', { limitMB: Math.floor(options.maxBytes / BYTES_A_MB) });
      }
      yield chunk;
    }
  };
  try {
    await pipeline(stream, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }), {
      signal: options.signal,
    });
  } catch (error) {
    throw receiveFailure(error);
  }
  if (bytes === 0) throw new LoaLangError('AUDIO_EMPTY');
  return bytes;
}

function receiveFailure(error: unknown): unknown {
  if (error instanceof LoaLangError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new LoaLangError('DISK_FULL', {}, { cause: error });
  const isOurDisk = error instanceof Error && 'syscall' in error && error.syscall !== 'read';
  return isOurDisk ? error : new LoaLangError('AUDIO_UPLOAD_BROKEN', {}, { cause: error });
}
