import { compareRevisions, type MediaTime, type Revision } from '@loalang/shared';
import type { Db } from '../database/index.ts';
import type { Outbox } from './outbox.ts';
import { markUnpublished } from './outbox-repository.ts';
import { RateBound } from './rate-bound.ts';

/** What a receiver says it holds against what its row says it should. */
export interface HeldRevisions {
  readonly deviceId: string;
  readonly held: { readonly plan: Revision | null; readonly now: Revision | null };
  readonly wanted: { readonly epoch: number; readonly planN: number; readonly nowN: number };
}

/** A status may have left before the newest state came; once in half a minute is enough to mend what was lost. */
const ONCE_IN_S = 30;

/** Publishes the states of a receiver again that reports older ones. */
export class Reconciler {
  readonly #db: Db;
  readonly #outbox: Outbox;
  readonly #bound = new RateBound({ burst: 1, perSecond: 1 / ONCE_IN_S });

  constructor(db: Db, outbox: Outbox) {
    this.#db = db;
    this.#outbox = outbox;
  }

  /** Returns whether the states go out again. */
  async compare(revisions: HeldRevisions, now: MediaTime): Promise<boolean> {
    const { deviceId, held, wanted } = revisions;
    const isBehind =
      isOlder(held.plan, wanted.epoch, wanted.planN) || isOlder(held.now, wanted.epoch, wanted.nowN);
    if (!isBehind || !this.#bound.take(deviceId, now)) return false;
    await markUnpublished(this.#db, deviceId);
    this.#outbox.kick();
    return true;
  }
}

function isOlder(held: Revision | null, epoch: number, n: number): boolean {
  if (n === 0) return false;
  return held === null || compareRevisions(held, { epoch, n }) < 0;
}
