import type { Dropped } from '../fanout/packet-queue.ts';

/** Ids whose drops are told apart; of more than this the one longest without a drop is forgotten. */
const MAX_COUNTED_CLIENTS = 4096;

/**
 * Stream packets that slow subscribers did not get: in all, and for each of them. Prometheus is told the sums and how
 * many receivers they are of, since a label for each of thousands of receivers would be a series each.
 */
export class DropAccount {
  readonly #byClient = new Map<string, Dropped>();
  #total: Dropped = { expired: 0, overflow: 0 };

  note(clientId: string, dropped: Dropped): void {
    this.#total = sum(this.#total, dropped);
    const before = this.#byClient.get(clientId);
    this.#byClient.delete(clientId);
    this.#byClient.set(clientId, before === undefined ? dropped : sum(before, dropped));
    const oldest = this.#byClient.keys().next();
    if (this.#byClient.size > MAX_COUNTED_CLIENTS && oldest.done !== true)
      this.#byClient.delete(oldest.value);
  }

  get total(): Dropped {
    return this.#total;
  }

  /** How many clients are told apart. */
  get clients(): number {
    return this.#byClient.size;
  }

  /** Since the broker's start. */
  byClient(): Record<string, Dropped> {
    return Object.fromEntries(this.#byClient);
  }
}

function sum(one: Dropped, other: Dropped): Dropped {
  return { expired: one.expired + other.expired, overflow: one.overflow + other.overflow };
}
