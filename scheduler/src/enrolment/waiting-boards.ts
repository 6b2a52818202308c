/** The SQL of boards that wait to be let in. Anybody who reaches the platform can put one here, so all of it is bounded. */
import { and, asc, count, desc, eq, inArray, lt } from 'drizzle-orm';
import { addMs, LoaLangError, mediaTime, type MediaTime, type WaitingBoard } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { waitingBoards } = schema;

/** A code lives so long. */
export const CODE_LIFE_MS = 15 * 60_000;
/** So long after its end it is still told from one that never was. */
const REMEMBER_MS = 30 * 60_000;
/**
 * Rows of some 300 bytes. Full: the address with the most of them gives up the one heard of longest ago. A real board is heard
 * of every four seconds and comes back with the same code; what somebody invents to keep others out makes room for them.
 */
const MAX_ROWS = 4_096;
/** Carriers put a whole district's receivers behind one address. Full: as above. */
const MAX_ROWS_OF_ADDRESS = 512;

export interface ShownBoard {
  readonly code: string;
  readonly key: string;
  readonly model: string;
  readonly serial: string | null;
  readonly address: string;
}

/** A board shows its code, again and again while it waits. */
export async function show(db: Db, board: ShownBoard, now: MediaTime): Promise<'waiting' | 'new-code'> {
  const [held] = await db.select().from(waitingBoards).where(eq(waitingBoards.code, board.code));
  if (held === undefined) {
    await insert(db, board, now);
    return 'waiting';
  }
  const isLive = held.state === 'waiting' && held.expiresAt > now;
  if (isLive && held.key !== board.key) {
    // Which of the two the officer hears nobody knows: neither gets in by it.
    await update(db, board.code, { state: 'shared' });
  }
  if (!isLive || held.key !== board.key) return 'new-code';
  await update(db, board.code, { heardAt: now, address: board.address });
  return 'waiting';
}

/** The board that waits with a code. Throws CODE_UNKNOWN, CODE_EXPIRED, CODE_USED or CODE_SHARED. */
export async function find(db: Db, code: string, now: MediaTime): Promise<WaitingBoard> {
  const [row] = await db.select().from(waitingBoards).where(eq(waitingBoards.code, code));
  if (row === undefined) throw new LoaLangError('CODE_UNKNOWN');
  if (row.state === 'used') throw new LoaLangError('CODE_USED');
  if (row.state === 'shared') throw new LoaLangError('CODE_SHARED');
  if (row.expiresAt <= now) throw new LoaLangError('CODE_EXPIRED');
  const { model, serial, address } = row;
  return { model, serial, address, heardAt: mediaTime(row.heardAt), expiresAt: mediaTime(row.expiresAt) };
}

/** Uses a code up, once, within the transaction that gives its board a place. Throws like `find`. */
export async function take(tx: Db, code: string, now: MediaTime): Promise<ShownBoard> {
  await find(tx, code, now);
  const [row] = await tx
    .update(waitingBoards)
    .set({ state: 'used' })
    .where(and(eq(waitingBoards.code, code), eq(waitingBoards.state, 'waiting')))
    .returning();
  // Somebody was quicker, between the two statements.
  if (row === undefined) throw new LoaLangError('CODE_USED');
  // A board that was switched off and on has shown another code before: it gets one place all the same.
  await tx
    .update(waitingBoards)
    .set({ state: 'used' })
    .where(and(eq(waitingBoards.key, row.key), eq(waitingBoards.state, 'waiting')));
  return row;
}

async function insert(db: Db, board: ShownBoard, now: MediaTime): Promise<void> {
  await db.delete(waitingBoards).where(lt(waitingBoards.expiresAt, addMs(now, -REMEMBER_MS)));
  await makeRoom(db, board.address);
  const times = { heardAt: now, expiresAt: addMs(now, CODE_LIFE_MS) };
  // Where another board came first with the same code, this one is told so when it asks again.
  await db
    .insert(waitingBoards)
    .values({ ...board, state: 'waiting', ...times })
    .onConflictDoNothing();
}

// Counted outside of the insertion: as many as the pool has connections may slip in beyond.
async function makeRoom(db: Db, address: string): Promise<void> {
  const own = await db.$count(waitingBoards, eq(waitingBoards.address, address));
  if (own >= MAX_ROWS_OF_ADDRESS) return await pushOut(db, address);
  if ((await db.$count(waitingBoards)) < MAX_ROWS) return;
  const [fullest] = await db
    .select({ address: waitingBoards.address })
    .from(waitingBoards)
    .groupBy(waitingBoards.address)
    .orderBy(desc(count()))
    .limit(1);
  if (fullest !== undefined) await pushOut(db, fullest.address);
}

async function pushOut(db: Db, address: string): Promise<void> {
  const oldest = db
    .select({ code: waitingBoards.code })
    .from(waitingBoards)
    .where(eq(waitingBoards.address, address))
    .orderBy(asc(waitingBoards.heardAt))
    .limit(1);
  await db.delete(waitingBoards).where(inArray(waitingBoards.code, oldest));
}

async function update(
  db: Db,
  code: string,
  change: Partial<typeof waitingBoards.$inferInsert>,
): Promise<void> {
  // Only what still waits: an officer may have taken it meanwhile.
  await db
    .update(waitingBoards)
    .set(change)
    .where(and(eq(waitingBoards.code, code), eq(waitingBoards.state, 'waiting')));
}
