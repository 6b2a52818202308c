import { statusSchema, type MediaTime, type Status } from '@loalang/shared';
import { readPublicKey, verifyJws } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import type { Reconciler } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import * as repository from './device-repository.ts';
import { isNewer, isOfTwin } from './status-order.ts';

export interface StatusIntakeParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly epoch: number;
  readonly reconciler: Reconciler;
  readonly changes: Changes;
  readonly log: Logger;
}

/** So many ended sessions are remembered of each receiver; a board that restarts more often has other troubles. */
const RETIRED_SESSIONS = 8;

/** Takes in what receivers say of themselves, signed by their own keys. */
export class StatusIntake {
  readonly #parts: StatusIntakeParts;
  readonly #retired = new Map<string, string[]>();

  constructor(parts: StatusIntakeParts) {
    this.#parts = parts;
  }

  /** Returns whether it was believed and stored. */
  async take(deviceId: string, payload: Buffer): Promise<boolean> {
    const { db, clock, changes, log } = this.#parts;
    const device = await repository.findJoined(db, deviceId);
    if (device === null) return false;
    const verified = await verifyJws(payload.toString('utf8'), readPublicKey(device.publicKey), statusSchema);
    if (!verified.ok || verified.payload.device !== deviceId) {
      log.warn({ deviceId, reason: verified.ok ? 'wrong-device' : verified.reason }, 'refused a status');
      return false;
    }
    const status = verified.payload;
    const now = clock.now();
    if (!this.#isNewer(deviceId, status, device.status, now)) return false;
    await this.#store(device, status, now);
    changes.notify();
    await this.#reconcile(device, status, now);
    return true;
  }

  #isNewer(deviceId: string, status: Status, held: Status | null, now: MediaTime): boolean {
    const retired = this.#retired.get(deviceId) ?? [];
    const world = { now, isRetired: (session: string): boolean => retired.includes(session) };
    if (isOfTwin(status, held, world))
      this.#parts.log.error({ deviceId }, 'two boards speak as this receiver');
    if (!isNewer(status, held, world)) return false;
    if (held !== null && held.session !== status.session) {
      this.#retired.set(deviceId, [...retired, held.session].slice(-RETIRED_SESSIONS));
    }
    return true;
  }

  async #store(device: repository.KnownDevice, status: Status, now: MediaTime): Promise<void> {
    const { db } = this.#parts;
    const before = new Set(device.status?.cached ?? []);
    const fresh = status.cached.filter((id) => !before.has(id));
    // First: a crash in between must not leave a status behind whose cached audio was never noted.
    if (fresh.length > 0) await repository.markCached(db, device.id, fresh, now);
    await repository.saveStatus(db, device, status, now);
  }

  async #reconcile(device: repository.KnownDevice, status: Status, now: MediaTime): Promise<void> {
    const { epoch, reconciler } = this.#parts;
    const held = { plan: status.plan, now: status.now };
    const wanted = { epoch, planN: device.planN, nowN: device.nowN };
    await reconciler.compare({ deviceId: device.id, held, wanted }, now);
  }
}
