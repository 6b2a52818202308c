import { and, asc, count, eq, gte, inArray, lte, sql } from 'drizzle-orm';
import type { MediaTime, Proof } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { proofs } = schema;

/** Adds a proof; false where there is one of this receiver, chain and number already. */
export async function addProof(
  db: Db,
  row: { deviceId: string; chain: string; jws: string; body: Proof; receivedAt: MediaTime },
): Promise<boolean> {
  const added = await db
    .insert(proofs)
    .values({ ...row, seq: row.body.seq, broadcastId: row.body.broadcastId })
    .onConflictDoNothing()
    .returning({ seq: proofs.seq });
  return added.length > 0;
}

export async function findProof(
  db: Db,
  deviceId: string,
  chain: string,
  seq: number,
): Promise<string | null> {
  const [row] = await db
    .select({ jws: proofs.jws })
    .from(proofs)
    .where(and(eq(proofs.deviceId, deviceId), eq(proofs.chain, chain), eq(proofs.seq, seq)));
  return row?.jws ?? null;
}

/** Are all of 1 to seq of a chain there? */
export async function isWholeUpTo(db: Db, deviceId: string, chain: string, seq: number): Promise<boolean> {
  const [row] = await db
    .select({ n: count() })
    .from(proofs)
    .where(
      and(eq(proofs.deviceId, deviceId), eq(proofs.chain, chain), gte(proofs.seq, 1), lte(proofs.seq, seq)),
    );
  return row?.n === seq;
}

export interface StoredProof {
  readonly deviceId: string;
  readonly broadcastId: string;
  readonly body: Proof;
}

/** What these receivers have proved of these broadcasts, in the order of their chains. Forks are left out: see intake. */
export async function listProofs(
  db: Db,
  broadcastIds: readonly string[],
  deviceIds: readonly string[],
): Promise<StoredProof[]> {
  if (broadcastIds.length === 0 || deviceIds.length === 0) return [];
  return await db
    .select({ deviceId: proofs.deviceId, broadcastId: proofs.broadcastId, body: proofs.body })
    .from(proofs)
    .where(
      and(
        inArray(proofs.broadcastId, [...broadcastIds]),
        inArray(proofs.deviceId, [...deviceIds]),
        sql`${proofs.chain} = ${proofs.body} ->> 'chain'`,
      ),
    )
    .orderBy(asc(proofs.receivedAt), asc(proofs.seq));
}
