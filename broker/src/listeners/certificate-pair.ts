import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LoaLangError } from '@loalang/shared';
import type { Logger } from 'pino';

/** PEM files: the certificate with those between it and its root, and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Files are looked at this often. Asking is 20 us; a notice from the system would miss network disks and swapped links. */
const LOOK_EVERY_MS = 10_000;

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The certificate of the TLS listeners, taken over when its files change. A new pair that is no good (half written, a key
 * of another certificate) leaves the old one in use and is told once in the log.
 */
export class CertificatePair {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #lookEveryMs: number;
  #held: Pair | null = null;
  /** What is wrong with the files now, so that it is told once. */
  #failure: string | null = null;
  #context: SecureContext | null = null;
  #timer: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(files: CertificateFiles, log: Logger, lookEveryMs = LOOK_EVERY_MS) {
    this.#files = files;
    this.#log = log;
    this.#lookEveryMs = lookEveryMs;
  }

  /** What new connections are met with. */
  get context(): SecureContext {
    if (this.#context === null) throw new Error('the certificate is not loaded yet');
    return this.#context;
  }

  /** Loads the pair. Throws CONFIGURATION_INVALID where it is no good: there is no old one to go on with. */
  async start(): Promise<void> {
    try {
      this.#take(await this.#read());
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new LoaLangError(
        'CONFIGURATION_INVALID',
        { variable: 'LOALANG_BROKER_CERTIFICATE', detail },
        { cause: error },
      );
    }
    this.#timer = setInterval(() => void this.reload(), this.#lookEveryMs);
    this.#timer.unref();
  }

  /** Looks at the files now, after what is under way. */
  async reload(): Promise<void> {
    this.#work = this.#work.then(async () => this.#look());
    return this.#work;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#work;
  }

  async #look(): Promise<void> {
    try {
      const pair = await this.#read();
      if (!isSame(pair, this.#held)) this.#take(pair);
      this.#failure = null;
    } catch (error) {
      const failure = String(error);
      if (failure === this.#failure) return;
      this.#failure = failure;
      this.#log.error(
        { err: error, files: this.#files },
        'the new certificate is no good; the old one stays',
      );
    }
  }

  async #read(): Promise<Pair> {
    const certificate = await readFile(this.#files.certificate, 'utf8');
    return { certificate, key: await readFile(this.#files.key, 'utf8') };
  }

  #take(pair: Pair): void {
    const { certificate: cert, key } = pair;
    const { subject, validTo } = new X509Certificate(cert);
    this.#context = createSecureContext({ cert, key, minVersion: 'TLSv1.3' });
    this.#held = pair;
    this.#log.info({ subject, validTo }, 'certificate taken');
  }
}

function isSame(one: Pair, other: Pair | null): boolean {
  return one.certificate === other?.certificate && one.key === other.key;
}
