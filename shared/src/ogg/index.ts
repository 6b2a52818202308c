// Ogg Opus (RFC 3533, RFC 7845) for one mono or stereo stream: read page by page through a callback,
// so that an hour costs no more memory than a second, and written a page at a time.
export { OggError } from './error.ts';
export type { OggErrorCode } from './error.ts';
export { openOggOpus } from './reader.ts';
export type { OggOpusInfo, OggOpusReader } from './reader.ts';
export type { OggSource } from './source.ts';
export { OggOpusWriter } from './writer.ts';
export type { OggOpusWriterOptions } from './writer.ts';
