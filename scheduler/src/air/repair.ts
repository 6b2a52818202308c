/**
 * Answers receivers that miss packets. A bad link asks often and takes little, so what it gets is bounded: beyond the
 * bounds a question stays unanswered, and the receiver asks again for what can then still be played.
 */
import { deviceTopic, encodeRepairAnswer, repairRequestSchema } from '@loalang/shared';
import { parseJson, RateBound, type Link } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import type { PacketHistory } from './packet-history.ts';

export interface RepairParts {
  readonly history: Pick<PacketHistory, 'find'>;
  readonly clock: Clock;
  readonly link: Pick<Link, 'send'>;
}

/** A question for each hole: a packet of 60 ms that comes alone after each hole is the most. */
const QUESTIONS = { burst: 16, perSecond: 16 };
/**
 * Of one receiver: at once as much as a socket of the broker takes without counting as slow (3.6 s of a stream at
 * 36 kb/s), then 3.6 times what a stream needs. More at once would stand in front of the stream that goes on.
 */
const BYTES_EACH = { burst: 16_384, perSecond: 16_384 };
/** Of all receivers together: a province whose broker came back asks for a second of audio each, within some seconds. */
const BYTES_ALL = { burst: 8_388_608, perSecond: 4_194_304 };
const ALL = 'all';

export class Repair {
  readonly #parts: RepairParts;
  readonly #questions = new RateBound(QUESTIONS);
  readonly #bytesEach = new RateBound(BYTES_EACH);
  readonly #bytesAll = new RateBound(BYTES_ALL);

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Takes a question and sends what is there and allowed; returns how many packets that were. */
  take(deviceId: string, payload: Buffer): number {
    const { history, clock, link } = this.#parts;
    const now = clock.now();
    if (!this.#questions.take(deviceId, now)) return 0;
    const request = parseJson(payload, repairRequestSchema);
    if (request === null) return 0;
    let sent = 0;
    for (const packet of history.find(request, now)) {
      const answer = encodeRepairAnswer({ streamId: request.streamId, packet });
      if (!this.#maySend(deviceId, answer.byteLength)) break;
      if (!link.send(deviceTopic(deviceId, 'repair/res'), answer)) break;
      sent += 1;
    }
    return sent;
  }

  #maySend(deviceId: string, bytes: number): boolean {
    const now = this.#parts.clock.now();
    return this.#bytesEach.take(deviceId, now, bytes) && this.#bytesAll.take(ALL, now, bytes);
  }
}
