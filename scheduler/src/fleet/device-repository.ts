/** The SQL of receivers: who they are, what they last said of themselves. Their signed states are planning's. */
import { and, asc, eq, gt, inArray, isNull, lt, or, sql } from 'drizzle-orm';
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

/** The unit in which a receiver in service stands, joined or not. */
export async function findUnitOf(db: Db, deviceId: string): Promise<string | null> {
  const [row] = await db
    .select({ unitId: devices.unitId })
    .from(devices)
    .where(and(eq(devices.id, deviceId), isNull(devices.retiredAt)));
  return row?.unitId ?? null;
}

export async function saveSettings(db: Db, deviceId: string, settings: DeviceSettings): Promise<void> {
  await db.update(devices).set(settings).where(eq(devices.id, deviceId));
}

export async function findByKey(db: Db, publicKey: string): Promise<string | null> {
  const [row] = await db.select({ id: devices.id }).from(devices).where(eq(devices.publicKey, publicKey));
  return row?.id ?? null;
}

/** Gives a simulated board its sample place, and uses the code up. Null where there is none. */
export async function takeCode(db: Db, code: string, board: Board, now: MediaTime): Promise<string | null> {
  const [row] = await db
    .update(devices)
    .set(stands(board, now))
    .where(and(eq(devices.joinCode, code), isNull(devices.retiredAt)))
    .returning({ id: devices.id });
  return row?.id ?? null;
}

/** The hardware at a receiver's place. */
export interface Board {
  readonly key: string;
  readonly model: string;
  readonly serial: string | null;
}

/**
 * What of a receiver changes with its board: what the former one said of itself is no longer so, and no code leads here any
 * more.
 */
function stands({ key, model, serial }: Board, now: MediaTime): Partial<typeof devices.$inferInsert> {
  return { publicKey: key, model, serial, joinCode: null, joinedAt: now, status: null, lastSeenAt: null };
}

/** A new place with its board. False where its number is taken in its unit. */
export async function addDevice(
  tx: Db,
  place: { id: string; unitId: string; number: number; name: string },
  board: Board,
  now: MediaTime,
): Promise<boolean> {
  const added = await tx
    .insert(devices)
    .values({ ...place, ...stands(board, now) })
    .onConflictDoNothing()
    .returning({ id: devices.id });
  return added.length > 0;
}

/** The smallest number that is free in a unit. */
export async function freeNumber(db: Db, unitId: string): Promise<number> {
  const rows = await db
    .select({ number: devices.number })
    .from(devices)
    .where(and(eq(devices.unitId, unitId), isNull(devices.retiredAt)));
  const taken = new Set(rows.map(({ number }) => number));
  let free = 1;
  while (taken.has(free)) free += 1;
  return free;
}

/** Another board takes a receiver's place. */
export async function replaceBoard(tx: Db, deviceId: string, board: Board, now: MediaTime): Promise<void> {
  await tx.update(devices).set(stands(board, now)).where(eq(devices.id, deviceId));
}

export interface InService extends Omit<Board, 'key' | 'model'> {
  readonly unitId: string;
  /** Null where no board has come yet. */
  readonly key: string | null;
  readonly model: string | null;
  readonly lastSeenAt: MediaTime | null;
}

/** A receiver in service, its row locked until the transaction ends; null where there is none. */
export async function lockInService(tx: Db, deviceId: string): Promise<InService | null> {
  const { unitId, publicKey: key, model, serial, lastSeenAt } = devices;
  const [row] = await tx
    .select({ unitId, key, model, serial, lastSeenAt })
    .from(devices)
    .where(and(eq(devices.id, deviceId), isNull(devices.retiredAt)))
    .for('update');
  if (row === undefined) return null;
  return { ...row, lastSeenAt: row.lastSeenAt === null ? null : mediaTime(row.lastSeenAt) };
}

export async function retire(tx: Db, deviceId: string, now: MediaTime): Promise<void> {
  await tx.update(devices).set({ retiredAt: now, joinCode: null }).where(eq(devices.id, deviceId));
}

/** Receivers that left service before a moment and later than another. */
export async function listRetired(db: Db, from: MediaTime, to: MediaTime): Promise<string[]> {
  const rows = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(gt(devices.retiredAt, from), lt(devices.retiredAt, to)));
  return rows.map(({ id }) => id);
}

/** Keeps what a board said, unless another one has taken its place since its signature was checked. */
export async function saveStatus(
  db: Db,
  { id, publicKey }: Pick<KnownDevice, 'id' | 'publicKey'>,
  status: Status,
  now: MediaTime,
): Promise<void> {
  await db
    .update(devices)
    .set({ status, lastSeenAt: now })
    .where(and(eq(devices.id, id), eq(devices.publicKey, publicKey)));
}

/** Notes when the board that stands for a receiver first said that it has the audio of these broadcasts. */
export async function markCached(
  db: Db,
  deviceId: string,
  broadcastIds: readonly string[],
  now: MediaTime,
): Promise<void> {
  const joinedAt = db.select({ joinedAt: devices.joinedAt }).from(devices).where(eq(devices.id, deviceId));
  // One row a statement: of several in one, the order of their locks would be anyone's guess.
  for (const broadcastId of broadcastIds) {
    await db
      .update(broadcastDevices)
      .set({ cachedAt: now })
      .where(
        and(
          eq(broadcastDevices.broadcastId, broadcastId),
          eq(broadcastDevices.deviceId, deviceId),
          or(isNull(broadcastDevices.cachedAt), lt(broadcastDevices.cachedAt, joinedAt)),
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
  readonly retiredAt: number | null;
  readonly lastSeenAt: MediaTime | null;
  readonly status: Status | null;
}

/** All receivers in these units, those that left service too, in the order in which they are shown everywhere. */
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
      retiredAt: devices.retiredAt,
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
    .where(and(inArray(devices.unitId, [...unitIds]), isNull(devices.retiredAt)))
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
