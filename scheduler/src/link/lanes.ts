import type { Logger } from 'pino';

type Task = () => Promise<void>;

interface Lane {
  readonly waiting: { readonly deviceId: string; readonly task: Task }[];
  running: Promise<void> | null;
}

/** So many messages are worked on at a time: as many as there are connections to the database, minus some for people. */
const LANES = 4;
/** A minute of statuses of a province. Beyond it the newest is dropped: it comes again, or a later one does. */
const MAX_WAITING = 4_000;
/** A receiver that comes back brings 16 proofs at once; whoever sends more than this must not use up what is for all. */
const MAX_WAITING_OF_ONE = 64;

/** Works on messages of receivers, those of one receiver one after the other. */
export class Lanes {
  readonly #lanes: Lane[] = Array.from({ length: LANES }, () => ({ waiting: [], running: null }));
  readonly #log: Logger;
  /** How many wait of each receiver that has any. */
  readonly #waitingOf = new Map<string, number>();
  #waitingCount = 0;
  #dropped = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Queues a task behind those of the same receiver; false where too many wait already. */
  push(deviceId: string, task: Task): boolean {
    const ofThisOne = this.#waitingOf.get(deviceId) ?? 0;
    if (this.#waitingCount >= MAX_WAITING || ofThisOne >= MAX_WAITING_OF_ONE) {
      this.#dropped += 1;
      return false;
    }
    const lane = this.#lanes[laneOf(deviceId)];
    if (lane === undefined) return false;
    lane.waiting.push({ deviceId, task });
    this.#waitingCount += 1;
    this.#waitingOf.set(deviceId, ofThisOne + 1);
    lane.running ??= this.#run(lane);
    return true;
  }

  /** Waits until everything queued is done. */
  async drain(): Promise<void> {
    await Promise.all(this.#lanes.map(async ({ running }) => await running));
  }

  async #run(lane: Lane): Promise<void> {
    for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
      this.#forget(next.deviceId);
      try {
        await next.task();
      } catch (error) {
        this.#log.error({ err: error }, 'could not take in a message of a receiver');
      }
    }
    lane.running = null;
  }

  #forget(deviceId: string): void {
    this.#waitingCount -= 1;
    const left = (this.#waitingOf.get(deviceId) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(deviceId);
    else this.#waitingOf.set(deviceId, left);
  }
}

function laneOf(deviceId: string): number {
  let hash = 0;
  for (let index = 0; index < deviceId.length; index += 1) {
    hash = (hash * 31 + deviceId.charCodeAt(index)) >>> 0;
  }
  return hash % LANES;
}
