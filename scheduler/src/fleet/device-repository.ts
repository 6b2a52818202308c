/** The SQL of receivers: who they are, what they last said of themselves. Their signed states are planning's. */
import { and, asc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm';
import { mediaTime, type DeviceSettings, type MediaTime, type Status } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { audio, broadcastDevices, broadcasts, devices, units } = schema;

export interface KnownDevice {
  readonly id: string;
  readonly unitId: string;
  readonly publicKey: string;
  readonly planN: number;
  readonly nowN: number;
  readonly lastSeenAt: MediaTime | null;
  readonly status: Status | null;
}

const known = {
  id: devices.id,
  unitId: devices.unitId,
  publicKey: devices.publicKey,
  planN: devices.planN,
  nowN: devices.nowN,
  lastSeenAt: devices.lastSeenAt,
  status: devices.status,
};

/** A receiver that has joined; null for every other id. */
export async function findJoined(db: Db, deviceId: string): Promise<KnownDevice | null> {
  const [row] = await db.select(known).from(devices).where(eq(devices.id, deviceId));
  if (row === undefined || row.publicKey === null) return null;
  const lastSeenAt = row.lastSeenAt === null ? null : mediaTime(row.lastSeenAt);
  return { ...row, publicKey: row.publicKey, lastSeenAt };
}

/** The unit in which a receiver stands, joined or not. */
export async function findUnitOf(db: Db, deviceId: string): Promise<string | null> {
  const [row] = await db.select({ unitId: devices.unitId }).from(devices).where(eq(devices.id, deviceId));
  return row?.unitId ?? null;
}

export async function saveSettings(db: Db, deviceId: string, settings: DeviceSettings): Promise<void> {
  await db.update(devices).set(settings).where(eq(devices.id, deviceId));
}

export async function findByKey(db: Db, publicKey: string): Promise<string | null> {
  const [row] = await db.select({ id: devices.id }).from(devices).where(eq(devices.publicKey, publicKey));
  return row?.id ?? null;
}

/** Gives a board the place for which its code was confirmed, and uses the code up. Null where there is none. */
export async function takeCode(
  db: Db,
  board: { code: string; key: string; model: string; now: MediaTime },
): Promise<string | null> {
  const [row] = await db
    .update(devices)
    .set({ publicKey: board.key, model: board.model, joinedAt: board.now, joinCode: null, status: null })
    .where(eq(devices.joinCode, board.code))
    .returning({ id: devices.id });
  return row?.id ?? null;
}

export async function saveStatus(db: Db, deviceId: string, status: Status, now: MediaTime): Promise<void> {
  await db.update(devices).set({ status, lastSeenAt: now }).where(eq(devices.id, deviceId));
}

/** Notes when a receiver first said that it has the audio of these broadcasts. */
export async function markCached(
  db: Db,
  deviceId: string,
  broadcastIds: readonly string[],
  now: MediaTime,
): Promise<void> {
  // One row a statement: of several in one, the order of their locks would be anyone's guess.
  for (const broadcastId of broadcastIds) {
    await db
      .update(broadcastDevices)
      .set({ cachedAt: now })
      .where(
        and(
          eq(broadcastDevices.broadcastId, broadcastId),
          eq(broadcastDevices.deviceId, deviceId),
          isNull(broadcastDevices.cachedAt),
        ),
      );
  }
}

/** Is the asset one of a broadcast that this receiver still has to play? */
export async function hasAsset(db: Db, deviceId: string, sha256: string, now: MediaTime): Promise<boolean> {
  const rows = await db
    .select({ one: sql`1` })
    .from(broadcastDevices)
    .innerJoin(broadcasts, eq(broadcasts.id, broadcastDevices.broadcastId))
    .innerJoin(audio, eq(audio.id, broadcasts.audioId))
    .where(
      and(
        eq(broadcastDevices.deviceId, deviceId),
        eq(audio.sha256, sha256),
        sql`${broadcasts.endAt} > ${now}`,
        isNull(broadcastDevices.stoppedAt),
        isNull(broadcasts.stoppedAt),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

export interface PlacedDevice {
  readonly id: string;
  readonly unitId: string;
  readonly unitName: string;
  readonly number: number;
  readonly name: string;
  readonly acousticOffsetMs: number;
  readonly lastSeenAt: MediaTime | null;
  readonly status: Status | null;
}

/** All receivers in these units, in the order in which they are shown everywhere. */
export async function listPlaced(db: Db, unitIds: readonly string[]): Promise<PlacedDevice[]> {
  if (unitIds.length === 0) return [];
  const rows = await db
    .select({
      id: devices.id,
      unitId: devices.unitId,
      unitName: units.name,
      number: devices.number,
      name: devices.name,
      acousticOffsetMs: devices.acousticOffsetMs,
      lastSeenAt: devices.lastSeenAt,
      status: devices.status,
    })
    .from(devices)
    .innerJoin(units, eq(units.id, devices.unitId))
    .where(inArray(devices.unitId, [...unitIds]))
    .orderBy(asc(units.position), asc(units.name), asc(devices.number));
  return rows.map((row) => ({
    ...row,
    lastSeenAt: row.lastSeenAt === null ? null : mediaTime(row.lastSeenAt),
  }));
}

/** Receivers below some units, with the unit of each: whom a broadcast to these units reaches. */
export async function listTargets(
  db: Db,
  unitIds: readonly string[],
): Promise<{ id: string; unitId: string }[]> {
  if (unitIds.length === 0) return [];
  return await db
    .select({ id: devices.id, unitId: devices.unitId })
    .from(devices)
    .where(inArray(devices.unitId, [...unitIds]))
    .orderBy(asc(devices.id));
}

/** Does a receiver that was seen since then still hold an older state of the moment than it should? */
export async function isAnyBehind(
  db: Db,
  deviceIds: readonly string[],
  seenSince: MediaTime,
): Promise<boolean> {
  const held = sql`coalesce((${devices.status} -> 'now' ->> 'n')::int, 0)`;
  const isBehind = and(
    inArray(devices.id, [...deviceIds]),
    gt(devices.lastSeenAt, seenSince),
    lt(held, devices.nowN),
  );
  const rows = await db.select({ id: devices.id }).from(devices).where(isBehind).limit(1);
  return rows.length > 0;
}
