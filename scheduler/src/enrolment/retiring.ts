/** How receivers leave service: told to forget everything, they sign that they do, and are shut out. */
import { createHash } from 'node:crypto';
import {
  addMs,
  commandResultSchema,
  deviceTopic,
  LoaLangError,
  mediaTime,
  type Command,
  type JoinAnswer,
  type Person,
  type Retirement,
} from '@loalang/shared';
import { readPublicKey, signJws, verifyJws } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import { deviceRepository, isSilent, type RevokedList } from '../fleet/index.ts';
import type { PlatformKey } from '../keys/index.ts';
import type { Link, Outbox } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import type { Units } from '../units/index.ts';
import * as formerBoards from './former-boards.ts';

export interface RetiringParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly units: Units;
  readonly airKey: PlatformKey;
  readonly link: Link;
  readonly outbox: Outbox;
  readonly revoked: RevokedList;
  readonly changes: Changes;
  readonly log: Logger;
}

/** An online receiver answers within a second or two; whoever waits sees the page wait. */
const RECEIPT_WITHIN_MS = 10_000;
/** A command that is not done by then is not done: a later one comes by HTTP. */
const WIPE_LIFE_MS = 60_000;
/** How far back it is looked for receivers that a crash kept from being shut out. The first look goes back to the beginning. */
const FINISH_SINCE_MS = 3_600_000;

export class Retiring {
  readonly #parts: RetiringParts;
  /** By receiver: whoever waits for its receipt. */
  readonly #pending = new Map<string, (isWiped: boolean) => void>();
  #hasLookedBack = false;

  constructor(parts: RetiringParts) {
    this.#parts = parts;
  }

  /** Takes a receiver out of service for good. What it proved stays. Throws NOT_FOUND. */
  async retire(person: Person, deviceId: string): Promise<Retirement> {
    const { revoked, outbox, log } = this.#parts;
    const { key, lastSeenAt } = await this.#endService(person, deviceId);
    // One that is off the network is told when it comes back.
    const isReached = key !== null && !isSilent(lastSeenAt, this.#parts.clock.now());
    const isWiped = isReached && (await this.#wipe(deviceId, key));
    await revoked.add(deviceId);
    outbox.publishRevoked();
    await this.#forgetStates(deviceId);
    log.info({ deviceId, by: person.username, isWiped }, 'a receiver left service');
    return { outcome: isWiped ? 'wiped' : 'unreached' };
  }

  /** What a former board is told when it comes back; with its receipt it says that it obeys. */
  async answer(board: formerBoards.FormerBoard, receipt: string | undefined): Promise<JoinAnswer> {
    if (receipt !== undefined) await this.#takeReceipt(board.deviceId, board.key, receipt);
    return { state: 'retired', wipe: await this.#sign(board.deviceId, board.key) };
  }

  /** Shuts out whom a crash between the two steps of retiring left inside. */
  async finish(): Promise<void> {
    const { db, clock, revoked, outbox } = this.#parts;
    const now = clock.now();
    const from = this.#hasLookedBack ? addMs(now, -FINISH_SINCE_MS) : mediaTime(0);
    const to = addMs(now, -2 * RECEIPT_WITHIN_MS);
    for (const deviceId of await deviceRepository.listRetired(db, from, to)) {
      if (await revoked.has(deviceId)) continue;
      await revoked.add(deviceId);
      outbox.publishRevoked();
    }
    this.#hasLookedBack = true;
  }

  /** Lets nobody wait any longer. */
  close(): void {
    for (const settle of this.#pending.values()) settle(false);
  }

  /** From here on it is no receiver of anybody's. Returns what it was. */
  async #endService(person: Person, deviceId: string): Promise<deviceRepository.InService> {
    const { db, clock, units, changes } = this.#parts;
    const held = await db.transaction(async (tx) => {
      const device = await deviceRepository.lockInService(tx, deviceId);
      if (device === null) throw new LoaLangError('NOT_FOUND');
      await units.assertWithin(person, [device.unitId]);
      const now = clock.now();
      await deviceRepository.retire(tx, deviceId, now);
      const { key, model, serial } = device;
      const ended = { endedAt: now, endedBy: person.id, reason: 'retired' as const };
      if (key !== null) await formerBoards.add(tx, { key, deviceId, model, serial, ...ended });
      return device;
    });
    changes.notify();
    return held;
  }

  async #wipe(deviceId: string, key: string): Promise<boolean> {
    const { clock, link } = this.#parts;
    if (!link.isUp) return false;
    const command = await this.#sign(deviceId, key);
    return await new Promise<boolean>((resolve) => {
      const timer = clock.after(RECEIPT_WITHIN_MS, () => settle(false));
      const settle = (isWiped: boolean): void => {
        timer.cancel();
        this.#pending.delete(deviceId);
        resolve(isWiped);
      };
      this.#pending.set(deviceId, settle);
      link.publish(deviceTopic(deviceId, 'cmd'), command, { isRetained: false }).catch(() => settle(false));
    });
  }

  async #takeReceipt(deviceId: string, key: string, jws: string): Promise<void> {
    const result = await verifyJws(jws, readPublicKey(key), commandResultSchema);
    if (!result.ok || result.payload.id !== wipeIdOf(key) || result.payload.outcome !== 'done') return;
    const { db, clock } = this.#parts;
    await formerBoards.markWiped(db, key, clock.now());
    this.#pending.get(deviceId)?.(true);
  }

  async #sign(deviceId: string, key: string): Promise<string> {
    const { clock, airKey } = this.#parts;
    const now = clock.now();
    const command: Command = {
      type: 'command',
      device: deviceId,
      id: wipeIdOf(key),
      issuedAt: now,
      expiresAt: addMs(now, WIPE_LIFE_MS),
      act: { kind: 'wipe', key },
    };
    return await signJws(command, airKey.key, airKey.certificate);
  }

  /** The broker need not hold for ever what nobody may read any more. */
  async #forgetStates(deviceId: string): Promise<void> {
    const { link } = this.#parts;
    if (!link.isUp) return;
    const gone = (['plan', 'now'] as const).map(
      async (channel) => await link.publish(deviceTopic(deviceId, channel), '', { isRetained: true }),
    );
    // A broker that goes now holds nothing any more either.
    await Promise.allSettled(gone);
  }
}

/** There is one wiping of a board. Its id follows from the key, so that a receipt of anything else is none of it. */
function wipeIdOf(key: string): string {
  return createHash('sha256').update(`wipe ${key}`).digest('hex').slice(0, 32);
}
