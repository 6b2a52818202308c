import { asc, eq, gt, or, sql } from 'drizzle-orm';
import { schema, type Db } from '../database/index.ts';

const { devices } = schema;

export interface Unpublished {
  readonly id: string;
  readonly planN: number;
  readonly planJws: string | null;
  readonly planPublishedN: number;
  readonly nowN: number;
  readonly nowJws: string | null;
  readonly nowPublishedN: number;
}

/** The receivers of which the broker does not hold the newest states yet. */
export async function listUnpublished(db: Db, limit: number): Promise<Unpublished[]> {
  const { id, planN, planJws, planPublishedN, nowN, nowJws, nowPublishedN } = devices;
  return await db
    .select({ id, planN, planJws, planPublishedN, nowN, nowJws, nowPublishedN })
    .from(devices)
    .where(or(gt(planN, planPublishedN), gt(nowN, nowPublishedN)))
    // What is on air is waited for; a plan has time.
    .orderBy(sql`${nowN} > ${nowPublishedN} desc`, asc(id))
    .limit(limit);
}

export interface Published {
  readonly id: string;
  readonly planN: number;
  readonly nowN: number;
}

/** Notes what the broker has acknowledged. */
export async function markPublished(db: Db, published: readonly Published[]): Promise<void> {
  await db.execute(sql`
    update devices
    set plan_published_n = greatest(plan_published_n, done."planN"),
        now_published_n = greatest(now_published_n, done."nowN")
    from jsonb_to_recordset(${JSON.stringify(published)}::text::jsonb) as done(id text, "planN" int, "nowN" int)
    where devices.id = done.id`);
}

/** Forgets what the broker held: a new broker, or the same with nothing in it, gets everything again. */
export async function markAllUnpublished(db: Db): Promise<void> {
  await db
    .update(devices)
    .set({ planPublishedN: 0, nowPublishedN: 0 })
    .where(or(gt(devices.planPublishedN, 0), gt(devices.nowPublishedN, 0)));
}

/** Lets the states of one receiver be published again. */
export async function markUnpublished(db: Db, deviceId: string): Promise<void> {
  await db.update(devices).set({ planPublishedN: 0, nowPublishedN: 0 }).where(eq(devices.id, deviceId));
}
