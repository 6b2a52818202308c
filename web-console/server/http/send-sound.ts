import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LoaLangError } from '@loalang/shared';
import { readByteRange } from './byte-range.ts';

/** Sound to send: a file or bytes in memory, with a tag that changes with the content. */
export interface Sound {
  readonly source: { readonly path: string } | { readonly bytes: Buffer };
  readonly tag: string;
}

/** Answers with Ogg Opus, whole or the one range asked for; `If-Range` keeps a resumed download from mixing two files. */
export async function sendSound(
  request: FastifyRequest,
  reply: FastifyReply,
  sound: Sound,
): Promise<FastifyReply> {
  const sizeBytes = await sizeOf(sound.source);
  const etag = `"${sound.tag}"`;
  reply
    .type('audio/ogg')
    .headers({ etag, 'accept-ranges': 'bytes', 'cache-control': 'private, max-age=3600' });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const isSameFile = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const range = readByteRange(isSameFile ? request.headers.range : undefined, sizeBytes);
  switch (range.kind) {
    case 'whole':
      return reply.header('content-length', sizeBytes).send(open(sound.source, 0, sizeBytes - 1));
    case 'part':
      return reply
        .code(206)
        .header('content-range', `bytes ${range.first}-${range.last}/${sizeBytes}`)
        .header('content-length', range.last - range.first + 1)
        .send(open(sound.source, range.first, range.last));
    case 'unsatisfiable':
      return reply.code(416).header('content-range', `bytes */${sizeBytes}`).send(Buffer.alloc(0));
  }
}

async function sizeOf(source: Sound['source']): Promise<number> {
  if ('bytes' in source) return source.bytes.byteLength;
  try {
    return (await stat(source.path)).size;
  } catch (cause) {
    throw new LoaLangError('NOT_FOUND', {}, { cause });
  }
}

function open(source: Sound['source'], first: number, last: number): Readable {
  return 'bytes' in source
    ? Readable.from([source.bytes.subarray(first, last + 1)])
    : createReadStream(source.path, { start: first, end: last });
}
