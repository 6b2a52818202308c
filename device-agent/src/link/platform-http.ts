import { joinAnswerSchema, type JoinAnswer, type JoinRequest } from '@loalang/shared';

const ANSWER_WITHIN_MS = 10_000;
const UPLOAD_WITHIN_MS = 30_000;
/** Nothing that the platform answers as text is longer. */
const MAX_ANSWER_BYTES = 65_536;

/** Makes `LoaLang <credential> <token>`, with a fresh token for each request. */
export type Authorize = () => Promise<string>;

/** The platform's routes for receivers. Thin: a failure is a rejection, and whoever asks tries again later. */
export class PlatformHttp {
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
  }

  /** The signed time over a nonce, as a JWS not verified yet. */
  async time(nonce: string, signal: AbortSignal): Promise<string> {
    const response = await this.#fetch(`/device/time?nonce=${nonce}`, {
      signal: within(ANSWER_WITHIN_MS, signal),
    });
    return readBounded(response);
  }

  /** Shows the key and the code. */
  async join(request: JoinRequest, signal: AbortSignal): Promise<JoinAnswer> {
    const response = await this.#fetch('/device/join', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: within(ANSWER_WITHIN_MS, signal),
    });
    return joinAnswerSchema.parse(JSON.parse(await readBounded(response)));
  }

  /** Opens an asset from a byte on. The body is the caller's to read, bound and cancel. */
  async asset(
    sha256: string,
    fromByte: number,
    authorize: Authorize,
    signal: AbortSignal,
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: await authorize() };
    if (fromByte > 0) {
      headers['range'] = `bytes=${fromByte}-`;
      headers['if-range'] = `"${sha256}"`;
    }
    return this.#fetch(`/device/assets/${sha256}`, { headers, signal });
  }

  /** Hands over what was heard, as Ogg Opus. */
  async putRecording(
    id: string,
    audio: Uint8Array,
    authorize: Authorize,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#fetch(`/device/recordings/${id}`, {
      method: 'PUT',
      headers: { authorization: await authorize(), 'content-type': 'audio/ogg' },
      body: audio,
      signal: within(UPLOAD_WITHIN_MS, signal),
    });
    await response.body?.cancel();
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(`${this.#baseUrl}${path}`, { ...init, redirect: 'error' });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new HttpRefused(response.status, path);
  }
}

/** The platform answered, but not with what was asked for. */
export class HttpRefused extends Error {
  override readonly name = 'HttpRefused';
  readonly status: number;

  constructor(status: number, path: string) {
    super(`the platform answered ${status} to ${path}`);
    this.status = status;
  }
}

function within(ms: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (response.body === null) return '';
  const body: AsyncIterable<Uint8Array> = response.body;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new RangeError(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
