/** The SQL of broadcasts and of whom each was meant for. */
import { and, asc, eq, gt, inArray, isNull, lte, notExists, notInArray, sql } from 'drizzle-orm';
import { mediaTime, type MediaTime, type Priority } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { audio, broadcastDevices, broadcasts, devices, people, units } = schema;

export interface BroadcastRow {
  readonly id: string;
  readonly kind: 'file' | 'live';
  readonly title: string;
  readonly priority: Priority;
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
  readonly stoppedAt: MediaTime | null;
  readonly audioId: string | null;
  readonly audioSha256: string | null;
  readonly unitIds: readonly string[];
  readonly createdAt: MediaTime;
  readonly createdBy: string;
}

/** What one receiver has to do with one broadcast. */
export interface Link {
  readonly broadcastId: string;
  readonly deviceId: string;
  readonly isCached: boolean;
  readonly stoppedAt: MediaTime | null;
}

export interface NewRow {
  readonly id: string;
  readonly kind: 'file' | 'live';
  readonly title: string;
  readonly priority: Priority;
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
  readonly audioId: string | null;
  readonly unitIds: readonly string[];
  readonly createdAt: MediaTime;
  /** The person's id. */
  readonly createdBy: string;
}

interface Wanted {
  readonly unitIds: readonly string[];
  readonly endsAfter: MediaTime;
  readonly startsBy: MediaTime;
}

/** "Hôm nay" shows a day and a week; a station that has more than so many has other troubles. */
const MAX_ROWS = 1_000;

/** Adds a broadcast for these receivers. */
export async function addBroadcast(db: Db, row: NewRow, deviceIds: readonly string[]): Promise<void> {
  await db.insert(broadcasts).values({ ...row, unitIds: [...row.unitIds] });
  await db.insert(broadcastDevices).values(deviceIds.map((deviceId) => ({ broadcastId: row.id, deviceId })));
}

/** Broadcasts that touch receivers in these units, end after one moment and begin by another; by start. */
export async function listBroadcasts(db: Db, wanted: Wanted): Promise<BroadcastRow[]> {
  const rows = await selectRows(db)
    .where(meantThen(db, wanted))
    .orderBy(asc(broadcasts.startAt), asc(broadcasts.id))
    .limit(MAX_ROWS);
  return rows.map(toRow);
}

/** The ids of all of them: what is to be stopped must not be cut at what a page can show. */
export async function listBroadcastIds(db: Db, wanted: Wanted): Promise<string[]> {
  const rows = await db.select({ id: broadcasts.id }).from(broadcasts).where(meantThen(db, wanted));
  return rows.map(({ id }) => id);
}

/** One broadcast, if it touches a receiver in these units. */
export async function findBroadcast(
  db: Db,
  id: string,
  unitIds: readonly string[],
): Promise<BroadcastRow | null> {
  const isMeant = inArray(broadcasts.id, idsTouching(db, unitIds));
  const [row] = await selectRows(db).where(and(eq(broadcasts.id, id), isMeant));
  return row === undefined ? null : toRow(row);
}

/** Which receivers in these units the broadcasts are meant for. */
export async function listLinks(
  db: Db,
  broadcastIds: readonly string[],
  unitIds: readonly string[],
): Promise<Link[]> {
  if (broadcastIds.length === 0 || unitIds.length === 0) return [];
  const rows = await db
    .select({
      broadcastId: broadcastDevices.broadcastId,
      deviceId: broadcastDevices.deviceId,
      cachedAt: broadcastDevices.cachedAt,
      stoppedAt: broadcastDevices.stoppedAt,
      endAt: broadcasts.endAt,
      joinedAt: devices.joinedAt,
    })
    .from(broadcastDevices)
    .innerJoin(broadcasts, eq(broadcasts.id, broadcastDevices.broadcastId))
    .innerJoin(devices, eq(devices.id, broadcastDevices.deviceId))
    .where(
      and(inArray(broadcastDevices.broadcastId, [...broadcastIds]), inArray(devices.unitId, [...unitIds])),
    );
  return rows.map(({ broadcastId, deviceId, cachedAt, stoppedAt, endAt, joinedAt }) => ({
    broadcastId,
    deviceId,
    // What an exchanged board had fetched is gone with it, unless it was over by then.
    isCached: cachedAt !== null && (cachedAt >= (joinedAt ?? 0) || endAt <= (joinedAt ?? 0)),
    stoppedAt: stoppedAt === null ? null : mediaTime(stoppedAt),
  }));
}

export async function listUnitNames(db: Db, unitIds: readonly string[]): Promise<Map<string, string>> {
  if (unitIds.length === 0) return new Map();
  const rows = await db
    .select({ id: units.id, name: units.name })
    .from(units)
    .where(inArray(units.id, [...unitIds]));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Stops broadcasts for the receivers in these units. Returns for which ones of which. */
export async function stopLinks(
  db: Db,
  wanted: { broadcastIds: readonly string[]; unitIds: readonly string[]; now: MediaTime },
): Promise<{ broadcastId: string; deviceId: string }[]> {
  if (wanted.broadcastIds.length === 0 || wanted.unitIds.length === 0) return [];
  const own = db
    .select({ id: devices.id })
    .from(devices)
    .where(inArray(devices.unitId, [...wanted.unitIds]));
  const isWanted = and(
    inArray(broadcastDevices.broadcastId, [...wanted.broadcastIds]),
    inArray(broadcastDevices.deviceId, own),
    isNull(broadcastDevices.stoppedAt),
  );
  // Locked in one order first: two people who stop the same things must not wait for each other in a circle.
  const { broadcastId, deviceId } = broadcastDevices;
  await db
    .select({ broadcastId })
    .from(broadcastDevices)
    .where(isWanted)
    .orderBy(asc(broadcastId), asc(deviceId))
    .for('update');
  return await db
    .update(broadcastDevices)
    .set({ stoppedAt: wanted.now })
    .where(isWanted)
    .returning({ broadcastId, deviceId });
}

/** Marks as stopped those broadcasts that no receiver plays any more. Returns their ids. */
export async function closeStopped(
  db: Db,
  broadcastIds: readonly string[],
  now: MediaTime,
): Promise<string[]> {
  if (broadcastIds.length === 0) return [];
  const stillMeant = db
    .select({ one: sql`1` })
    .from(broadcastDevices)
    .where(and(eq(broadcastDevices.broadcastId, broadcasts.id), isNull(broadcastDevices.stoppedAt)));
  const rows = await db
    .update(broadcasts)
    .set({ stoppedAt: now })
    .where(
      and(inArray(broadcasts.id, [...broadcastIds]), isNull(broadcasts.stoppedAt), notExists(stillMeant)),
    )
    .returning({ id: broadcasts.id });
  return rows.map(({ id }) => id);
}

/** Ends a live broadcast. One that was stopped by hand keeps the moment of that. */
export async function endLive(db: Db, id: string, at: MediaTime): Promise<void> {
  await db
    .update(broadcasts)
    .set({
      stoppedAt: sql`coalesce(${broadcasts.stoppedAt}, ${at})`,
      endAt: sql`least(${broadcasts.endAt}, ${at})`,
    })
    .where(eq(broadcasts.id, id));
}

/** Closes live broadcasts that no session runs any more, as a crash leaves them. Returns their receivers. */
export async function closeLiveExcept(db: Db, running: readonly string[], now: MediaTime): Promise<string[]> {
  const isOpen = and(
    eq(broadcasts.kind, 'live'),
    isNull(broadcasts.stoppedAt),
    running.length === 0 ? undefined : notInArray(broadcasts.id, [...running]),
  );
  const closed = await db
    .update(broadcasts)
    .set({
      stoppedAt: sql`least(${broadcasts.endAt}, ${now})`,
      endAt: sql`least(${broadcasts.endAt}, ${now})`,
    })
    .where(isOpen)
    .returning({ id: broadcasts.id });
  if (closed.length === 0) return [];
  const ids = closed.map(({ id }) => id);
  const links = await db
    .selectDistinct({ deviceId: broadcastDevices.deviceId })
    .from(broadcastDevices)
    .where(inArray(broadcastDevices.broadcastId, ids));
  return links.map(({ deviceId }) => deviceId);
}

function meantThen(db: Db, { unitIds, endsAfter, startsBy }: Wanted) {
  const isMeant = inArray(broadcasts.id, idsTouching(db, unitIds));
  return and(isMeant, gt(broadcasts.endAt, endsAfter), lte(broadcasts.startAt, startsBy));
}

function idsTouching(db: Db, unitIds: readonly string[]) {
  return db
    .select({ id: broadcastDevices.broadcastId })
    .from(broadcastDevices)
    .innerJoin(devices, eq(devices.id, broadcastDevices.deviceId))
    .where(inArray(devices.unitId, [...unitIds]));
}

function selectRows(db: Db) {
  return db
    .select({
      id: broadcasts.id,
      kind: broadcasts.kind,
      title: broadcasts.title,
      priority: broadcasts.priority,
      startAt: broadcasts.startAt,
      endAt: broadcasts.endAt,
      stoppedAt: broadcasts.stoppedAt,
      audioId: broadcasts.audioId,
      audioSha256: audio.sha256,
      unitIds: broadcasts.unitIds,
      createdAt: broadcasts.createdAt,
      createdBy: people.name,
    })
    .from(broadcasts)
    .innerJoin(people, eq(people.id, broadcasts.createdBy))
    .leftJoin(audio, eq(audio.id, broadcasts.audioId))
    .$dynamic();
}

type Selected = Awaited<ReturnType<typeof selectRows>>[number];

function toRow(row: Selected): BroadcastRow {
  return {
    ...row,
    startAt: mediaTime(row.startAt),
    endAt: mediaTime(row.endAt),
    stoppedAt: row.stoppedAt === null ? null : mediaTime(row.stoppedAt),
    createdAt: mediaTime(row.createdAt),
  };
}
