/** Broadcasts as people make, stop and see them. Everyone acts and sees within their own unit and what is below it. */
import { randomBytes } from 'node:crypto';
import {
  addMs,
  LoaLangError,
  type Broadcast,
  type BroadcastDetail,
  type MediaTime,
  type NewBroadcast,
  type Person,
  type TimeAlarm,
  type Today,
} from '@loalang/shared';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import { deviceRepository, DeviceViews } from '../fleet/index.ts';
import type { Outbox } from '../link/index.ts';
import { PLAN_AHEAD_DAYS, type Planning } from '../planning/index.ts';
import { listProofs } from '../proof/index.ts';
import type { Clock } from '../time/index.ts';
import type { Units } from '../units/index.ts';
import { assertNotQuiet, findAudience } from './audience.ts';
import * as repository from './broadcast-repository.ts';
import { formatLocalTime, startOfLocalDay } from './local-time.ts';
import { BroadcastView } from './view.ts';

export interface Stopped {
  readonly stopped: string[];
  readonly deviceCount: number;
}

export interface BroadcastsParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly units: Units;
  /** What the library knows of a file; null for an unknown one. */
  audioOf(id: string): Promise<{ readonly id: string; readonly durationMs: number } | null>;
  /** What is wrong with the platform's own time. */
  timeAlarms(): TimeAlarm[];
  /** Until when no codes of receivers are taken. */
  codesLockedUntil(): MediaTime | null;
  readonly planning: Planning;
  readonly outbox: Outbox;
  readonly changes: Changes;
  /** Ends live sessions that nobody hears any more, and frees receivers of others. */
  readonly live: {
    stopped(
      wholly: readonly string[],
      links: readonly { broadcastId: string; deviceId: string }[],
    ): Promise<void>;
  };
}

/**
 * "Now" is so far ahead: the plan travels in well under a second and a file of some minutes is fetched within a few
 * more over 4G; and all receivers start together instead of each when it is ready.
 */
export const PLAY_NOW_LEAD_MS = 5_000;
const PLAN_AHEAD_MS = PLAN_AHEAD_DAYS * 86_400_000;
/** What starts so soon after "stop all" was pressed was meant by it too: it was sent before. */
const STOP_ALL_AHEAD_MS = 2 * PLAY_NOW_LEAD_MS;

export class Broadcasts {
  readonly #parts: BroadcastsParts;
  readonly #deviceViews = new DeviceViews();

  constructor(parts: BroadcastsParts) {
    this.#parts = parts;
  }

  /** Sends a library file to everything below some units, now or at a time. */
  async sendFile(person: Person, wanted: NewBroadcast): Promise<Broadcast> {
    const { db, clock, units } = this.#parts;
    const audio = await this.#parts.audioOf(wanted.audioId);
    if (audio === null) throw new LoaLangError('NOT_FOUND');
    const audience = await findAudience({ db, units }, person, wanted.unitIds);
    const now = clock.now();
    const startAt = wanted.startAt ?? addMs(now, PLAY_NOW_LEAD_MS);
    await this.#assertInReach(person, startAt, now);
    const endAt = addMs(startAt, audio.durationMs);
    assertNotQuiet(audience, startAt, endAt);
    const { title, priority } = wanted;
    const id = randomBytes(16).toString('hex');
    const row = { id, kind: 'file', title, priority, startAt, endAt, audioId: audio.id } as const;
    await this.#plan(
      { ...row, unitIds: audience.unitIds, createdAt: now, createdBy: person.id },
      audience.deviceIds,
    );
    return await this.detail(person, id);
  }

  /** Stops one broadcast on every receiver of the person's. Throws NOT_FOUND or BROADCAST_OVER. */
  async stop(person: Person, broadcastId: string): Promise<Stopped> {
    const unitIds = await this.#unitsOf(person);
    const row = await repository.findBroadcast(this.#parts.db, broadcastId, unitIds);
    if (row === null) throw new LoaLangError('NOT_FOUND');
    const isOver = row.stoppedAt !== null || row.endAt <= this.#parts.clock.now();
    const stopped = isOver ? null : await this.#stop([broadcastId], unitIds);
    if (stopped === null || stopped.stopped.length === 0) throw new LoaLangError('BROADCAST_OVER');
    return stopped;
  }

  /** Stops all that sounds, or is about to, on the person's receivers. What is planned for later stays planned. */
  async stopAll(person: Person): Promise<Stopped> {
    const { db, clock } = this.#parts;
    const unitIds = await this.#unitsOf(person);
    const now = clock.now();
    const startsBy = addMs(now, STOP_ALL_AHEAD_MS);
    const ids = await repository.listBroadcastIds(db, { unitIds, endsAfter: now, startsBy });
    return await this.#stop(ids, unitIds);
  }

  /** Receivers and broadcasts of the person's units, from the start of the local day to a week ahead. */
  async today(person: Person): Promise<Today> {
    const { db, clock, units } = this.#parts;
    const now = clock.now();
    const [unitIds, policy] = await Promise.all([this.#unitsOf(person), units.policy(person.unit.id)]);
    const rows = await repository.listBroadcasts(db, {
      unitIds,
      endsAfter: startOfLocalDay(now, policy),
      startsBy: addMs(now, PLAN_AHEAD_MS),
    });
    const { view, devices } = await this.#look(rows, unitIds, now);
    const titles = new Map(rows.map(({ id, title }) => [id, title]));
    return {
      at: now,
      devices: devices
        .filter(({ retiredAt }) => retiredAt === null)
        .map((device) => this.#deviceViews.show(device, now, (id) => titles.get(id) ?? '')),
      broadcasts: rows.map((row) => view.broadcast(row)),
      timeAlarms: this.#parts.timeAlarms(),
      codesLockedUntil: this.#parts.codesLockedUntil(),
    };
  }

  /** One broadcast with its receipt matrix. Throws NOT_FOUND where it touches none of the person's receivers. */
  async detail(person: Person, broadcastId: string): Promise<BroadcastDetail> {
    const unitIds = await this.#unitsOf(person);
    const row = await repository.findBroadcast(this.#parts.db, broadcastId, unitIds);
    if (row === null) throw new LoaLangError('NOT_FOUND');
    const { view } = await this.#look([row], unitIds, this.#parts.clock.now());
    const { audioSha256, createdAt } = row;
    return { ...view.broadcast(row), receipts: view.receipts(row), audioSha256, createdAt };
  }

  async #unitsOf(person: Person): Promise<string[]> {
    return [...(await this.#parts.units.ofPerson(person))];
  }

  async #assertInReach(person: Person, startAt: MediaTime, now: MediaTime): Promise<void> {
    if (startAt < now) {
      const policy = await this.#parts.units.policy(person.unit.id);
      throw new LoaLangError('TIME_PAST', { time: formatLocalTime(startAt, now, policy) });
    }
    if (startAt > addMs(now, PLAN_AHEAD_MS))
      throw new LoaLangError('TIME_TOO_FAR', { days: PLAN_AHEAD_DAYS });
  }

  async #plan(row: repository.NewRow, deviceIds: readonly string[]): Promise<void> {
    const { db, planning, outbox, changes } = this.#parts;
    await db.transaction(async (tx) => {
      await repository.addBroadcast(tx, row, deviceIds);
      await planning.replan(tx, deviceIds);
    });
    outbox.kick();
    changes.notify();
  }

  async #stop(broadcastIds: readonly string[], unitIds: readonly string[]): Promise<Stopped> {
    const { db, clock, planning, outbox, changes, live } = this.#parts;
    const now = clock.now();
    const { links, wholly } = await db.transaction(async (tx) => {
      const stoppedLinks = await repository.stopLinks(tx, { broadcastIds, unitIds, now });
      const closed = await repository.closeStopped(tx, broadcastIds, now);
      await planning.renewNow(tx, devicesOf(stoppedLinks));
      return { links: stoppedLinks, wholly: closed };
    });
    outbox.kick();
    await live.stopped(wholly, links);
    changes.notify();
    // Silence first. That a plan no longer holds what was stopped matters only once the stop is no longer told.
    await db.transaction(async (tx) => await planning.replan(tx, devicesOf(links)));
    outbox.kick();
    const stopped = [...new Set(links.map(({ broadcastId }) => broadcastId))];
    return { stopped, deviceCount: devicesOf(links).length };
  }

  async #look(
    rows: readonly repository.BroadcastRow[],
    unitIds: readonly string[],
    now: MediaTime,
  ): Promise<{ view: BroadcastView; devices: readonly deviceRepository.PlacedDevice[] }> {
    const { db } = this.#parts;
    const ids = rows.map(({ id }) => id);
    const [devices, links, unitNames] = await Promise.all([
      deviceRepository.listPlaced(db, unitIds),
      repository.listLinks(db, ids, unitIds),
      repository.listUnitNames(db, [...new Set(rows.flatMap((row) => row.unitIds))]),
    ]);
    const deviceIds = devices.map(({ id }) => id);
    const proofs = await listProofs(db, ids, deviceIds);
    return { view: new BroadcastView({ now, devices, links, proofs, unitNames }), devices };
  }
}

function devicesOf(links: readonly { deviceId: string }[]): string[] {
  return [...new Set(links.map(({ deviceId }) => deviceId))];
}
