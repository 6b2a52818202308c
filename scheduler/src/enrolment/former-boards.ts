/** The SQL of boards that stood for a receiver once. */
import { eq } from 'drizzle-orm';
import type { MediaTime } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { formerBoards } = schema;

export type FormerBoard = typeof formerBoards.$inferSelect;

export async function add(tx: Db, board: Omit<FormerBoard, 'wipedAt'>): Promise<void> {
  await tx.insert(formerBoards).values(board).onConflictDoNothing();
}

export async function find(db: Db, key: string): Promise<FormerBoard | null> {
  const [row] = await db.select().from(formerBoards).where(eq(formerBoards.key, key));
  return row ?? null;
}

/** It has signed that it forgets everything. */
export async function markWiped(db: Db, key: string, now: MediaTime): Promise<void> {
  await db.update(formerBoards).set({ wipedAt: now }).where(eq(formerBoards.key, key));
}
