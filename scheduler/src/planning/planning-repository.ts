/** The SQL of planning: receivers' rows locked for a new revision, what is planned for them, and the states signed. */
import { and, asc, eq, gt, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { mediaTime, type MediaTime, type Priority } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';
import type { StoppedBroadcast } from './now-device.ts';
import type { PlannedBroadcast } from './plan-device.ts';

const { audio, broadcastDevices, broadcasts, devices, platformState } = schema;

export interface LockedDevice {
  readonly id: string;
  readonly unitId: string;
  readonly volume: number;
  readonly isMuted: boolean;
  readonly acousticOffsetMs: number;
  readonly planN: number;
  readonly planJws: string | null;
  readonly nowN: number;
  readonly nowJws: string | null;
}

/**
 * Locks receivers in the order of their ids, so that two transactions never wait for each other in a circle. Not against
 * rows that refer to them: who has just added such rows would wait for whoever has too.
 */
export async function lockDevices(db: Db, deviceIds: readonly string[]): Promise<LockedDevice[]> {
  const { id, unitId, volume, isMuted, acousticOffsetMs, planN, planJws, nowN, nowJws } = devices;
  return await db
    .select({ id, unitId, volume, isMuted, acousticOffsetMs, planN, planJws, nowN, nowJws })
    .from(devices)
    .where(inArray(devices.id, [...deviceIds]))
    .orderBy(asc(devices.id))
    .for('no key update');
}

export async function listDeviceIds(db: Db): Promise<string[]> {
  const rows = await db
    .select({ id: devices.id })
    .from(devices)
    .where(isNull(devices.retiredAt))
    .orderBy(asc(devices.id));
  return rows.map(({ id }) => id);
}

/** File broadcasts that end after `endsAfter`, for each receiver. */
export async function listPlanned(
  db: Db,
  deviceIds: readonly string[],
  endsAfter: MediaTime,
): Promise<(PlannedBroadcast & { deviceId: string })[]> {
  const rows = await db
    .select({
      deviceId: broadcastDevices.deviceId,
      id: broadcasts.id,
      title: broadcasts.title,
      priority: broadcasts.priority,
      startAt: broadcasts.startAt,
      stoppedAt: sql<string | null>`coalesce(${broadcastDevices.stoppedAt}, ${broadcasts.stoppedAt})`,
      sha256: audio.sha256,
      bytes: audio.bytes,
      durationMs: audio.durationMs,
    })
    .from(broadcastDevices)
    .innerJoin(broadcasts, eq(broadcasts.id, broadcastDevices.broadcastId))
    .innerJoin(audio, eq(audio.id, broadcasts.audioId))
    .where(and(inArray(broadcastDevices.deviceId, [...deviceIds]), gt(broadcasts.endAt, endsAfter)));
  return rows.map((row) => ({
    deviceId: row.deviceId,
    id: row.id,
    title: row.title,
    priority: row.priority,
    startAt: mediaTime(row.startAt),
    stoppedAt: row.stoppedAt === null ? null : mediaTime(Number(row.stoppedAt)),
    audio: { sha256: row.sha256, bytes: row.bytes, durationMs: row.durationMs },
  }));
}

export interface OnAirRow {
  readonly deviceId: string;
  readonly broadcastId: string;
  readonly priority: Priority;
}

/** Live broadcasts that have not ended, for each receiver that has not been stopped. */
export async function listOnAir(db: Db, deviceIds: readonly string[], now: MediaTime): Promise<OnAirRow[]> {
  return await db
    .select({
      deviceId: broadcastDevices.deviceId,
      broadcastId: broadcasts.id,
      priority: broadcasts.priority,
    })
    .from(broadcastDevices)
    .innerJoin(broadcasts, eq(broadcasts.id, broadcastDevices.broadcastId))
    .where(
      and(
        inArray(broadcastDevices.deviceId, [...deviceIds]),
        eq(broadcasts.kind, 'live'),
        gt(broadcasts.endAt, now),
        sql`${broadcastDevices.stoppedAt} is null`,
      ),
    );
}

/** What was stopped by hand and would have ended after `endsAfter`, for each receiver. */
export async function listStopped(
  db: Db,
  deviceIds: readonly string[],
  endsAfter: MediaTime,
): Promise<(StoppedBroadcast & { deviceId: string })[]> {
  const rows = await db
    .select({
      deviceId: broadcastDevices.deviceId,
      id: broadcasts.id,
      endAt: broadcasts.endAt,
      stoppedAt: broadcastDevices.stoppedAt,
    })
    .from(broadcastDevices)
    .innerJoin(broadcasts, eq(broadcasts.id, broadcastDevices.broadcastId))
    .where(
      and(
        inArray(broadcastDevices.deviceId, [...deviceIds]),
        isNotNull(broadcastDevices.stoppedAt),
        gt(broadcasts.endAt, endsAfter),
      ),
    );
  return rows.map(({ deviceId, id, endAt, stoppedAt }) => ({
    deviceId,
    id,
    endAt: mediaTime(endAt),
    stoppedAt: mediaTime(stoppedAt ?? endAt),
  }));
}

export interface SignedState {
  readonly id: string;
  readonly n: number;
  readonly jws: string;
}

/** Writes new plans in one statement, however many receivers there are. */
export async function savePlans(db: Db, states: readonly SignedState[]): Promise<void> {
  await db.execute(sql`
    update devices set plan_n = new.n, plan_jws = new.jws
    from jsonb_to_recordset(${JSON.stringify(states)}::text::jsonb) as new(id text, n int, jws text)
    where devices.id = new.id`);
}

/** Writes new states of the moment in one statement. */
export async function saveNows(db: Db, states: readonly SignedState[]): Promise<void> {
  await db.execute(sql`
    update devices set now_n = new.n, now_jws = new.jws
    from jsonb_to_recordset(${JSON.stringify(states)}::text::jsonb) as new(id text, n int, jws text)
    where devices.id = new.id`);
}

/** The epoch of revisions: 1 until a backup is restored. */
export async function readEpoch(db: Db): Promise<number> {
  await db.insert(platformState).values({ key: 'epoch', value: 1 }).onConflictDoNothing();
  const [row] = await db
    .select({ value: platformState.value })
    .from(platformState)
    .where(eq(platformState.key, 'epoch'));
  return row?.value ?? 1;
}
