/** Why a file could not be read; match on this, not on the message. */
export type OggErrorCode =
  'OGG_NOT_OGG' | 'OGG_NOT_OPUS' | 'OGG_TRUNCATED' | 'OGG_BAD_CRC' | 'OGG_MALFORMED' | 'OGG_UNSUPPORTED';

/** A file that is not one whole Ogg Opus stream. */
export class OggError extends Error {
  override readonly name = 'OggError';
  readonly code: OggErrorCode;

  constructor(code: OggErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
