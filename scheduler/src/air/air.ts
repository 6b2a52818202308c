/** Live broadcasts: who may speak to whom, the announcement of each stream, and its end on record. */
import { randomBytes } from 'node:crypto';
import {
  addMs,
  type LatencyChoice,
  streamTopic,
  type LiveStart,
  type LiveStream,
  type MediaTime,
  type Person,
} from '@loalang/shared';
import { createOpusEncoder } from '@loalang/shared/opus';
import { generateSigningKey, type SigningKey } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import { assertNotQuiet, broadcastRepository, findAudience, type Audience } from '../broadcasts/index.ts';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import { deviceRepository, SILENT_AFTER_MS } from '../fleet/index.ts';
import type { Link, Outbox } from '../link/index.ts';
import type { Planning } from '../planning/index.ts';
import type { Clock, Timer } from '../time/index.ts';
import type { Units } from '../units/index.ts';
import type { LatenessIntake } from './lateness.ts';
import { type LatencySettings, RECOMMENDED } from './latency-settings.ts';
import { Session, type EndReason, type LiveSession } from './live-session.ts';
import type { OnAir } from './on-air.ts';
import type { PacketHistory } from './packet-history.ts';

export interface AirParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly units: Units;
  readonly planning: Planning;
  readonly onAir: OnAir;
  readonly history: PacketHistory;
  readonly lateness: LatenessIntake;
  readonly outbox: Outbox;
  readonly link: Link;
  readonly changes: Changes;
  readonly log: Logger;
  /** Whatever the receivers say. */
  readonly latencyMs?: number;
  readonly timeBoxMs?: number;
}

const DEFAULT_TIME_BOX_MS = 15 * 60_000;
/**
 * Who speaks is told to only when the receivers listen: each that is online says by its status that it holds the
 * announcement, and has subscribed before it says so. One that doesn't in time joins in the middle.
 */
const LISTENING_WITHIN_MS = 2_500;
const LOOK_EVERY_MS = 100;
/** A stream stays announced for so long after its last frame: receivers' clocks may lag, and cutting a word is rude. */
const TAIL_MS = 2_500;

interface Running {
  readonly session: Session;
  readonly deviceIds: readonly string[];
  readonly timeBox: Timer;
}

export class Air {
  readonly #parts: AirParts;
  readonly #running = new Map<string, Running>();
  /** Streams that have ended and are still announced. */
  readonly #tails = new Map<string, { readonly deviceIds: readonly string[]; readonly timer: Timer }>();

  constructor(parts: AirParts) {
    this.#parts = parts;
  }

  /** Closes what a crash left open. Planning has to look at all receivers afterwards. */
  async start(): Promise<void> {
    await this.closeOrphans();
  }

  /** Ends every microphone; what they spoke last is not waited for. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#running.values()].map(async ({ session }) => await session.finish('stopped')),
    );
    await Promise.all([...this.#tails.keys()].map(async (id) => await this.#withdraw(id)));
  }

  /** Puts a microphone on air, and waits until receivers listen. Throws NOT_FOUND, NO_RECEIVER, QUIET_HOURS or LIVE_BUSY. */
  async goLive(person: Person, start: LiveStart): Promise<LiveSession> {
    const { clock, onAir } = this.#parts;
    const audience = await findAudience(this.#parts, person, start.unitIds);
    const now = clock.now();
    const key = generateSigningKey();
    const announcement = this.#announce(start, { audience, key, now });
    assertNotQuiet(audience, now, addMs(now, announcement.latencyMs));
    onAir.take(announcement, person.name, audience.deviceIds);
    const session = await this.#openFor(person, start, { announcement, key, audience });
    try {
      await this.#waitForListeners(audience.deviceIds);
      return session;
    } catch (error) {
      await session.finish('speaker');
      throw error;
    }
  }

  /** How late a microphone would be heard in some units now. Throws NOT_FOUND or NO_RECEIVER. */
  async latencies(person: Person, unitIds: readonly string[]): Promise<LatencyChoice> {
    const { deviceIds } = await findAudience(this.#parts, person, unitIds);
    return { latencyMs: this.#settings(deviceIds), recommended: RECOMMENDED };
  }

  #settings(deviceIds: readonly string[]): LatencySettings {
    const { latencyMs, lateness } = this.#parts;
    if (latencyMs === undefined) return lateness.settings(deviceIds);
    return { fast: latencyMs, balanced: latencyMs, sure: latencyMs };
  }

  async #openFor(
    person: Person,
    { codec }: LiveStart,
    { announcement, key, audience }: { announcement: LiveStream; key: SigningKey; audience: Audience },
  ): Promise<Session> {
    try {
      const encoder = codec === 'pcm' ? await createOpusEncoder() : null;
      await this.#record(person, announcement, audience);
      return this.#open({ announcement, key, encoder, deviceIds: audience.deviceIds });
    } catch (error) {
      this.#parts.onAir.remove(announcement.id);
      throw error;
    }
  }

  /** People have stopped broadcasts: some wholly, some for a part of their receivers. */
  async stopped(
    wholly: readonly string[],
    links: readonly { broadcastId: string; deviceId: string }[],
  ): Promise<void> {
    for (const { broadcastId, deviceId } of links) this.#parts.onAir.free(broadcastId, [deviceId]);
    await Promise.all(wholly.map(async (id) => await this.#running.get(id)?.session.finish('stopped')));
  }

  /** Closes live broadcasts in the database that no session runs: after a crash, or when an end could not be recorded. */
  async closeOrphans(): Promise<void> {
    const { db, clock, onAir, planning, outbox } = this.#parts;
    const deviceIds = await db.transaction(async (tx) => {
      const ids = await broadcastRepository.closeLiveExcept(tx, onAir.ids(), clock.now());
      await planning.renewNow(tx, ids);
      return ids;
    });
    if (deviceIds.length > 0) outbox.kick();
  }

  #announce(
    start: LiveStart,
    { audience, key, now }: { audience: Audience; key: SigningKey; now: MediaTime },
  ): LiveStream {
    const { timeBoxMs = DEFAULT_TIME_BOX_MS } = this.#parts;
    const latencyMs = this.#settings(audience.deviceIds)[start.latency ?? RECOMMENDED];
    return {
      id: randomBytes(16).toString('hex'),
      title: start.title,
      priority: 'priority',
      startAt: now,
      latencyMs,
      // What is spoken in the last moment of the time box is heard one latency later.
      expiresAt: addMs(now, timeBoxMs + latencyMs),
      key: key.public,
    };
  }

  async #record(person: Person, stream: LiveStream, { unitIds, deviceIds }: Audience): Promise<void> {
    const { db, planning, outbox, changes } = this.#parts;
    const { id, title, priority, startAt, expiresAt: endAt } = stream;
    const row = { id, kind: 'live', title, priority, startAt, endAt, unitIds, audioId: null } as const;
    await db.transaction(async (tx) => {
      const who = { createdAt: startAt, createdBy: person.id };
      await broadcastRepository.addBroadcast(tx, { ...row, ...who }, deviceIds);
      await planning.renewNow(tx, deviceIds);
    });
    outbox.kick();
    changes.notify();
  }

  async #waitForListeners(deviceIds: readonly string[]): Promise<void> {
    const { db, clock } = this.#parts;
    const online = addMs(clock.now(), -SILENT_AFTER_MS);
    const until = addMs(clock.now(), LISTENING_WITHIN_MS);
    while (clock.now() < until && (await deviceRepository.isAnyBehind(db, deviceIds, online))) {
      await new Promise<void>((resolve) => void clock.after(LOOK_EVERY_MS, resolve));
    }
  }

  #open(opened: {
    announcement: LiveStream;
    key: SigningKey;
    encoder: Awaited<ReturnType<typeof createOpusEncoder>> | null;
    deviceIds: readonly string[];
  }): Session {
    const { clock, link, log, history, lateness } = this.#parts;
    const { announcement, key, encoder, deviceIds } = opened;
    const { id, latencyMs, expiresAt } = announcement;
    const topic = streamTopic(id);
    const endsAt = addMs(expiresAt, -latencyMs);
    history.open(id);
    lateness.open(id, deviceIds, (expiresAt - announcement.startAt) / 1000);
    const session: Session = new Session({
      broadcastId: id,
      latencyMs,
      endsAt,
      expiresAt,
      deviceCount: deviceIds.length,
      privateKey: key.privateKey,
      clock,
      encoder,
      send: (packet) => {
        // Kept though the link may be down: receivers ask for it when they are back.
        history.keep(id, packet, clock.now());
        return link.send(topic, packet);
      },
      finish: async (reason, heardUntil) => {
        log.info({ broadcastId: id, reason, losses: session.losses }, 'a microphone went off air');
        await this.#ended(id, reason, heardUntil);
      },
    });
    const timeBox = clock.after((endsAt - clock.now()) / 1000, () => this.#timeOut(session));
    this.#running.set(id, { session, deviceIds, timeBox });
    return session;
  }

  #timeOut(session: Session): void {
    session.finish('time-box').catch((error: unknown) => {
      this.#parts.log.error({ err: error, broadcastId: session.broadcastId }, 'could not record an end');
    });
  }

  async #ended(id: string, reason: EndReason, heardUntil: MediaTime): Promise<void> {
    const { db, clock, onAir, changes } = this.#parts;
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.timeBox.cancel();
    const deviceIds = running?.deviceIds ?? [];
    onAir.free(id, deviceIds);
    const tailMs = Math.max(0, (heardUntil - clock.now()) / 1000) + TAIL_MS;
    const timer = clock.after(tailMs, () => void this.#withdraw(id));
    this.#tails.set(id, { deviceIds, timer });
    try {
      // Where this fails, the row is closed as an orphan once the announcement is withdrawn.
      await broadcastRepository.endLive(db, id, heardUntil);
    } finally {
      if (reason === 'stopped') await this.#withdraw(id);
      changes.notify();
    }
  }

  /** Takes the announcement of an ended stream back. */
  async #withdraw(id: string): Promise<void> {
    const tail = this.#tails.get(id);
    if (tail === undefined) return;
    const { db, planning, onAir, outbox, history, log } = this.#parts;
    this.#tails.delete(id);
    tail.timer.cancel();
    onAir.remove(id);
    history.drop(id);
    try {
      await db.transaction(async (tx) => await planning.renewNow(tx, tail.deviceIds));
      outbox.kick();
    } catch (error) {
      // The stream's announcement has an expiry of its own, and the next change of the receiver's state drops it.
      log.error({ err: error, broadcastId: id }, 'could not withdraw an announcement');
    }
  }
}
