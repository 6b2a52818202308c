/** The SQL of boards that wait to be let in. Anybody who reaches the platform can put one here, so all of it is bounded. */
import { and, count, eq, lt } from 'drizzle-orm';
import { addMs, LoaLangError, mediaTime, type MediaTime, type WaitingBoard } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { waitingBoards } = schema;

/** A code lives so long. */
export const CODE_LIFE_MS = 15 * 60_000;
/** So long after its end it is still told from one that never was. */
const REMEMBER_MS = 30 * 60_000;
/** Rows of some 300 bytes. Full: no new code is taken, and boards ask again; what waits is never pushed out. */
const MAX_ROWS = 4_096;
/** Carriers put a whole district's receivers behind one address. */
const MAX_ROWS_OF_ADDRESS = 512;

export interface ShownBoard {
  readonly code: string;
  readonly key: string;
  readonly model: string;
  readonly serial: string | null;
  readonly address: string;
}

/** A board shows its code, again and again while it waits. */
export async function show(
  db: Db,
  board: ShownBoard,
  now: MediaTime,
): Promise<'waiting' | 'new-code' | 'full'> {
  const [held] = await db.select().from(waitingBoards).where(eq(waitingBoards.code, board.code));
  if (held === undefined) return await insert(db, board, now);
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

async function insert(db: Db, board: ShownBoard, now: MediaTime): Promise<'waiting' | 'full'> {
  await db.delete(waitingBoards).where(lt(waitingBoards.expiresAt, addMs(now, -REMEMBER_MS)));
  // Counted outside of the insertion: as many as the pool has connections may slip in beyond.
  const rows = await db.$count(waitingBoards);
  const [own] = await db
    .select({ rows: count() })
    .from(waitingBoards)
    .where(eq(waitingBoards.address, board.address));
  if (rows >= MAX_ROWS || (own?.rows ?? 0) >= MAX_ROWS_OF_ADDRESS) return 'full';
  const times = { heardAt: now, expiresAt: addMs(now, CODE_LIFE_MS) };
  // Where another board came first with the same code, this one is told so when it asks again.
  await db
    .insert(waitingBoards)
    .values({ ...board, state: 'waiting', ...times })
    .onConflictDoNothing();
  return 'waiting';
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
