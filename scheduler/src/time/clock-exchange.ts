import { clockRequestSchema, type ClockResponse, type MediaTime } from '@loalang/shared';
import { signJws } from '@loalang/shared/signing';
import type { PlatformKey } from '../keys/index.ts';
import { RateBound } from '../link/rate-bound.ts';
import { parseJson } from '../link/parse.ts';
import type { Clock } from './media-clock.ts';

/** Bursts of eight, two of them close together while a receiver converges; what comes beyond gets no answer. */
const BURST = 24;
const PER_SECOND = 10;

/** Answers the time exchanges of receivers (RFC 5905 §8): t2 at arrival, t3 just before the answer is signed. */
export class ClockExchange {
  readonly #clock: Clock;
  readonly #key: PlatformKey;
  readonly #answer: (deviceId: string, jws: string) => void;
  readonly #bound: RateBound;

  constructor(parts: { clock: Clock; key: PlatformKey; answer: (deviceId: string, jws: string) => void }) {
    this.#clock = parts.clock;
    this.#key = parts.key;
    this.#answer = parts.answer;
    this.#bound = new RateBound({ burst: BURST, perSecond: PER_SECOND });
  }

  /** Takes in a request. Malformed ones and too many of one receiver are left unanswered. */
  async take(deviceId: string, payload: Buffer, t2: MediaTime): Promise<void> {
    if (!this.#bound.take(deviceId, t2)) return;
    const request = parseJson(payload, clockRequestSchema);
    if (request === null) return;
    const { nonce, t1 } = request;
    const response: ClockResponse = {
      type: 'clock',
      device: deviceId,
      nonce,
      t1,
      t2,
      t3: this.#clock.now(),
    };
    // Without the certificate: the receiver has it from its `now`, and a small answer is a quick one.
    this.#answer(deviceId, await signJws(response, this.#key.key));
  }
}
