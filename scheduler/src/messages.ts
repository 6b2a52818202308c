/** Hands each message of a receiver to the part that takes it in, those for the database through bounded lanes. */
import { presenceSchema } from '@loalang/shared';
import type { Logger } from 'pino';
import type { LatenessIntake, Repair } from './air/index.ts';
import type { Changes } from './changes/index.ts';
import type { Listening, StatusIntake } from './fleet/index.ts';
import { Lanes, parseJson, type Receivers } from './link/index.ts';
import type { ProofIntake } from './proof/index.ts';

export interface MessagesParts {
  readonly status: StatusIntake;
  readonly proof: ProofIntake;
  readonly listening: Listening;
  readonly repair: Repair;
  readonly lateness: LatenessIntake;
  readonly changes: Changes;
  readonly log: Logger;
}

export class Messages {
  readonly #parts: MessagesParts;
  readonly #lanes: Lanes;

  constructor(parts: MessagesParts) {
    this.#parts = parts;
    this.#lanes = new Lanes(parts.log);
  }

  receivers(): Receivers {
    const { status, proof, listening, repair, lateness, changes, log } = this.#parts;
    const lanes = this.#lanes;
    return {
      status: (id, payload) => void lanes.push(id, async () => void (await status.take(id, payload))),
      proof: (id, payload) => void lanes.push(id, async () => await proof.take(id, payload)),
      'cmd/result': (id, payload) => void lanes.push(id, async () => await listening.takeResult(id, payload)),
      // A hint: nobody is on or off line by it, but it is a moment at which to look again.
      presence: (_id, payload) => {
        if (parseJson(payload, presenceSchema) !== null) changes.notify();
      },
      lateness: (id, payload) => {
        if (!lateness.take(id, payload)) log.debug({ deviceId: id }, 'refused a report of lateness');
      },
      // At once and not through the lanes: an answer that waits comes too late.
      repair: (id, payload) => {
        const packets = repair.take(id, payload);
        if (packets > 0) log.debug({ deviceId: id, packets }, 'sent packets again');
      },
    };
  }

  /** Waits until everything that came is taken in. */
  async close(): Promise<void> {
    await this.#lanes.drain();
  }
}
