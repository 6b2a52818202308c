import type { Duplex } from 'node:stream';
import type { BrokerLimits } from '../limits/bounds.ts';
import { BucketTable } from '../limits/token-bucket.ts';

/** A sign-in that failed. */
export interface Guess {
  readonly claimedId: string;
  readonly address: string;
}

/** Three mistakes cost nothing; one is forgiven each ten seconds; no more than three are owed. */
const FORGIVEN = { burst: 3, perSecond: 0.1 };
/**
 * So much for each one owed, so 3 s at most: receivers give up after 10 s, and one whose clock is wrong has to learn that
 * it was refused.
 */
const STEP_MS = 1_000;
/** What may stand as a claimed id is as long as a CONNECT. */
const MAX_KEY_LENGTH = 64;

/**
 * Makes guessers wait for their answer, longer with each failure from their address or for the id that they claim. A
 * right sign-in never waits: signatures are no secret that one could come nearer to, so there is nothing to lock, and
 * nobody can lock a receiver out by failing in its name or from behind its modem. What one address may cost is bounded
 * by how often it may connect (`Places`), since each connection has one CONNECT.
 */
export class GuessBrake {
  readonly #limits: BrokerLimits;
  readonly #nowMs: () => number;
  readonly #byId = new BucketTable(FORGIVEN);
  readonly #byAddress = new BucketTable(FORGIVEN);
  readonly #heldByAddress = new Map<string, number>();
  #held = 0;

  constructor(limits: BrokerLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** How many wait for their answer. */
  get held(): number {
    return this.#held;
  }

  /**
   * Notes a failure and waits, at most until the connection is gone. False where too many wait already: then it is to be
   * cut without an answer.
   */
  async hold(guess: Guess, connection: Duplex): Promise<boolean> {
    const waitMs = this.#note(guess);
    if (waitMs === 0) return true;
    const { address } = guess;
    const ofAddress = this.#heldByAddress.get(address) ?? 0;
    const { heldFailures, heldFailuresPerAddress } = this.#limits;
    if (this.#held >= heldFailures || ofAddress >= heldFailuresPerAddress) return false;
    this.#held += 1;
    this.#heldByAddress.set(address, ofAddress + 1);
    await closedOrLater(connection, waitMs);
    this.#release(address);
    return true;
  }

  #note({ claimedId, address }: Guess): number {
    const now = this.#nowMs();
    const buckets = [
      this.#byId.of(claimedId.slice(0, MAX_KEY_LENGTH), now),
      this.#byAddress.of(address, now),
    ];
    for (const bucket of buckets) bucket.charge(1, now);
    const owed = Math.max(...buckets.map((bucket) => Math.ceil(-bucket.level(now))));
    return Math.max(0, owed) * STEP_MS;
  }

  #release(address: string): void {
    this.#held -= 1;
    const left = (this.#heldByAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#heldByAddress.delete(address);
    else this.#heldByAddress.set(address, left);
  }
}

async function closedOrLater(connection: Duplex, waitMs: number): Promise<void> {
  if (connection.destroyed) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      connection.off('close', finish);
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    connection.once('close', finish);
  });
}
