import type { MediaTime, MissedReason } from '@loalang/shared';
import type { OpusDecoder } from '@loalang/shared/opus';
import { Resampler } from './resampler.ts';
import type { Source } from './source.ts';

/** Makes the source once its decoder is there, or says why there can be none now. */
export type Prepare<S extends Source> = () => ((decoder: OpusDecoder) => S) | MissedReason;

// An asset may arrive, or be fetched again, while its window is open.
const RETRY_MISSING_US = 200_000;
const RETRY_FAILED_US = 5_000_000;

export interface Armed<S extends Source> {
  readonly source: S;
  readonly resampler: Resampler;
}

/** Gets a source ready ahead of its start, since a decoder takes a moment to come. */
export class Arming<S extends Source> {
  readonly #createDecoder: () => Promise<OpusDecoder>;
  readonly #prepare: Prepare<S>;
  readonly #failReason: MissedReason;
  #armed: Armed<S> | null = null;
  #reason: MissedReason | null = null;
  #retryAtUs = -Infinity;
  // Each attempt has a number: a decoder that comes after its attempt was given up is closed at once.
  #attempt = 0;
  #isArming = false;

  constructor(createDecoder: () => Promise<OpusDecoder>, prepare: Prepare<S>, failReason: MissedReason) {
    this.#createDecoder = createDecoder;
    this.#prepare = prepare;
    this.#failReason = failReason;
  }

  get armed(): Armed<S> | null {
    return this.#armed;
  }

  /** Why there is no source; null where none was wanted yet or it is on its way. */
  get reason(): MissedReason | null {
    return this.#reason;
  }

  /** Begins to get the source ready, unless it is, or the last attempt failed a moment ago. */
  arm(at: MediaTime): void {
    if (this.#armed !== null || this.#isArming || at < this.#retryAtUs) return;
    const open = this.#prepared(at);
    if (open === null) return;
    this.#isArming = true;
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#createDecoder().then(
      (decoder) => this.#finish(attempt, decoder, open, at),
      () => this.fail(at),
    );
  }

  /** The source broke: another try follows in 5 s. */
  fail(at: MediaTime): void {
    this.disarm();
    this.#reason = this.#failReason;
    this.#retryAtUs = at + RETRY_FAILED_US;
  }

  /** Gives the decoder back; the source can be armed again. */
  disarm(): void {
    const source = this.#armed?.source;
    this.#armed = null;
    this.#isArming = false;
    this.#attempt += 1;
    source?.close();
  }

  #prepared(at: MediaTime): ((decoder: OpusDecoder) => S) | null {
    try {
      const prepared = this.#prepare();
      if (typeof prepared === 'function') return prepared;
      this.#reason = prepared;
      this.#retryAtUs = at + RETRY_MISSING_US;
    } catch {
      // Whatever was wrong with the file, it is proved as such; the fetcher checks and fetches it again.
      this.fail(at);
    }
    return null;
  }

  #finish(attempt: number, decoder: OpusDecoder, open: (decoder: OpusDecoder) => S, at: MediaTime): void {
    if (attempt !== this.#attempt) {
      decoder.close();
      return;
    }
    this.#isArming = false;
    try {
      const source = open(decoder);
      this.#armed = { source, resampler: new Resampler(source) };
      this.#reason = null;
    } catch {
      decoder.close();
      this.fail(at);
    }
  }
}
