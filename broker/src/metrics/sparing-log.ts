import { parseTopic } from '@loalang/shared';
import type { Logger } from 'pino';
import { TokenBucket } from '../limits/token-bucket.ts';

const LINES = { burst: 100, perSecond: 10 };

/** For lines that strangers cause: ten a second, so that nobody fills a disk. The metrics count what is left out. */
export class SparingLog {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #lines: TokenBucket;

  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#lines = new TokenBucket(LINES, nowMs());
  }

  info(details: object, message: string): void {
    if (this.#lines.take(this.#nowMs())) this.#log.info(details, message);
  }

  warn(details: object, message: string): void {
    if (this.#lines.take(this.#nowMs())) this.#log.warn(details, message);
  }
}

const ID = /^[a-z0-9-]{1,64}$/;

/** What stands in an id's place may be anything, such as a token that somebody put into the wrong field. */
export function shownId(id: string | null | undefined): string | null {
  if (id === null || id === undefined) return null;
  return ID.test(id) ? id : '(no id of ours)';
}

/** A topic that may be no topic of ours. */
export function shownTopic(topic: string): string {
  return parseTopic(topic) === null ? '(no topic of ours)' : topic;
}
