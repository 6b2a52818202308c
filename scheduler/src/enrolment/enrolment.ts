/** How boards come into service: they show a code, an officer types it, and it has a place. */
import {
  LoaLangError,
  toUnixMs,
  type AddedDevice,
  type JoinAnswer,
  type JoinRequest,
  type MediaTime,
  type NewDevice,
  type Person,
  type WaitingBoard,
} from '@loalang/shared';
import { keyId } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import { deviceRepository, type Identities, type RevokedList } from '../fleet/index.ts';
import type { Outbox } from '../link/index.ts';
import type { Planning } from '../planning/index.ts';
import type { Clock } from '../time/index.ts';
import { newDeviceId, type Units } from '../units/index.ts';
import * as formerBoards from './former-boards.ts';
import { GuessGuard } from './guess-guard.ts';
import type { Retiring } from './retiring.ts';
import * as waitingBoards from './waiting-boards.ts';

export interface EnrolmentParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly units: Units;
  readonly identities: Identities;
  readonly retiring: Retiring;
  readonly revoked: RevokedList;
  readonly planning: Planning;
  readonly outbox: Outbox;
  readonly changes: Changes;
  readonly log: Logger;
}

/** Whoever typed a code, and from where. */
export interface Officer {
  readonly person: Person;
  readonly address: string;
}

export class Enrolment {
  readonly #parts: EnrolmentParts;
  readonly #guard = new GuessGuard();

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  /**
   * A board shows its key and its code. A member's key gets a fresh credential, which is all that an expired one can do; a
   * former member's is told that it is one; any other waits.
   */
  async join(request: JoinRequest, address: string): Promise<JoinAnswer> {
    const { db, clock, identities, retiring, revoked } = this.#parts;
    const former = await formerBoards.find(db, request.key);
    if (former !== null) return await retiring.answer(former, request.receipt);
    const deviceId =
      (await deviceRepository.findByKey(db, request.key)) ?? (await this.#takeSamplePlace(request));
    if (deviceId !== null) {
      if (await revoked.has(deviceId)) return { state: 'waiting' };
      return await identities.admit(deviceId, request.key);
    }
    const { code, key, model, serial } = request;
    const board = { code, key, model, serial: serial ?? null, address };
    return { state: await waitingBoards.show(db, board, clock.now()) };
  }

  /** The board that waits with a code. Throws CODE_* or TOO_MANY_REQUESTS. */
  async find(officer: Officer, code: string): Promise<WaitingBoard> {
    const { db, clock } = this.#parts;
    return await this.#asGuess(officer, async () => await waitingBoards.find(db, code, clock.now()));
  }

  /** Gives the board with a code a new place. Throws CODE_*, NUMBER_TAKEN, NOT_FOUND or TOO_MANY_REQUESTS. */
  async add(officer: Officer, { code, ...wanted }: NewDevice): Promise<AddedDevice> {
    const { db, units } = this.#parts;
    await units.assertWithin(officer.person, [wanted.unitId]);
    const place = { ...wanted, id: newDeviceId() };
    await this.#asGuess(officer, async () => {
      await db.transaction(async (tx) => await this.#addPlace(tx, place, code));
    });
    this.#tell('a receiver was added', officer, place.id);
    return { id: place.id };
  }

  /** Puts the board with a code in a receiver's place; the former one is shut out. Throws like `add`. */
  async exchange(officer: Officer, deviceId: string, code: string): Promise<AddedDevice> {
    const { db, outbox } = this.#parts;
    await this.#asGuess(officer, async () => {
      await db.transaction(async (tx) => await this.#exchangeBoard(tx, officer, { deviceId, code }));
    });
    outbox.publishRevoked();
    this.#tell('a board was exchanged', officer, deviceId);
    return { id: deviceId };
  }

  /** Until when no codes are taken, since too many were wrong. */
  codesLockedUntil(): MediaTime | null {
    return this.#guard.lockedUntil(this.#parts.clock.now());
  }

  async #addPlace(
    tx: Db,
    place: { id: string; unitId: string; number: number; name: string },
    code: string,
  ): Promise<void> {
    const now = this.#parts.clock.now();
    const board = await waitingBoards.take(tx, code, now);
    if (!(await deviceRepository.addDevice(tx, place, board, now))) {
      const free = await deviceRepository.freeNumber(tx, place.unitId);
      throw new LoaLangError('NUMBER_TAKEN', { number: place.number, free });
    }
    await this.#giveStates(tx, place.id);
  }

  async #exchangeBoard(
    tx: Db,
    { person }: Officer,
    { deviceId, code }: { deviceId: string; code: string },
  ): Promise<void> {
    const { clock, units, revoked } = this.#parts;
    const now = clock.now();
    const board = await waitingBoards.take(tx, code, now);
    const held = await deviceRepository.lockInService(tx, deviceId);
    if (held === null) throw new LoaLangError('NOT_FOUND');
    const { unitId, key, model, serial } = held;
    await units.assertWithin(person, [unitId]);
    if (key !== null) {
      const ended = { endedAt: now, endedBy: person.id, reason: 'replaced' as const };
      await formerBoards.add(tx, { key, deviceId, model, serial, ...ended });
      await revoked.add(keyId(key), tx);
    }
    await deviceRepository.replaceBoard(tx, deviceId, board, now);
    await this.#giveStates(tx, deviceId);
  }

  async #takeSamplePlace({ code, key, model, serial }: JoinRequest): Promise<string | null> {
    const { db, clock } = this.#parts;
    const board = { key, model, serial: serial ?? null };
    const deviceId = await db.transaction(async (tx) => {
      const id = await deviceRepository.takeCode(tx, code, board, clock.now());
      if (id !== null) await this.#giveStates(tx, id);
      return id;
    });
    if (deviceId !== null) this.#published();
    return deviceId;
  }

  async #giveStates(tx: Db, deviceId: string): Promise<void> {
    const { planning } = this.#parts;
    await planning.replan(tx, [deviceId]);
    await planning.renewNow(tx, [deviceId]);
  }

  #published(): void {
    this.#parts.outbox.kick();
    this.#parts.changes.notify();
  }

  #tell(what: string, { person, address }: Officer, deviceId: string): void {
    this.#published();
    this.#parts.log.info({ deviceId, by: person.username, address }, what);
  }

  /** Looks a code up as often as people may guess. */
  async #asGuess<T>({ person, address }: Officer, look: () => Promise<T>): Promise<T> {
    const { clock, log, changes } = this.#parts;
    const guesser = { personId: person.id, address };
    const now = clock.now();
    const begun = this.#guard.begin(guesser, now);
    if (begun.verdict === 'wait') throw new LoaLangError('TOO_MANY_REQUESTS', { seconds: begun.seconds });
    if (begun.verdict === 'locked') {
      const minutes = Math.ceil((toUnixMs(begun.until) - toUnixMs(now)) / 60_000);
      throw new LoaLangError('CODES_LOCKED', { minutes });
    }
    try {
      const found = await look();
      this.#guard.takeBack(guesser);
      return found;
    } catch (error) {
      if (!(error instanceof LoaLangError && error.code === 'CODE_UNKNOWN')) {
        this.#guard.takeBack(guesser);
        throw error;
      }
      log.warn({ by: person.username, address }, 'a code that no board has shown');
      if (this.#guard.wrong(now)) {
        log.error({ by: person.username, address }, 'too many wrong codes: none is taken for an hour');
        changes.notify();
      }
      throw error;
    }
  }
}
