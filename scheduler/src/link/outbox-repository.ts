import { and, asc, eq, gt, isNull, or, sql } from 'drizzle-orm';
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
    .where(and(isNull(devices.retiredAt), or(gt(planN, planPublishedN), gt(nowN, nowPublishedN))))
    // What is on air is waited for; a plan has time.
    .orderBy(sql`${nowN} > ${nowPublishedN} desc`, asc(id))
    .limit(limit);
}

export interface Published {
  readonly id: string;
  readonly planN: number;
  readonly nowN: number;
}

// Both statements below lock the rows in the order in which planning does, or the two could wait for each other.

/** Notes what the broker has acknowledged. */
export async function markPublished(db: Db, published: readonly Published[]): Promise<void> {
  await db.execute(sql`
    with done as (
      select * from jsonb_to_recordset(${JSON.stringify(published)}::text::jsonb)
        as done(id text, "planN" int, "nowN" int)
    ), locked as (
      select devices.id from devices where devices.id in (select done.id from done)
      order by devices.id for no key update
    )
    update devices
    set plan_published_n = greatest(plan_published_n, done."planN"),
        now_published_n = greatest(now_published_n, done."nowN")
    from locked join done on done.id = locked.id
    where devices.id = locked.id`);
}

/** Forgets what the broker held: a new broker, or the same with nothing in it, gets everything again. */
export async function markAllUnpublished(db: Db): Promise<void> {
  await db.execute(sql`
    with locked as (
      select devices.id from devices where plan_published_n > 0 or now_published_n > 0
      order by devices.id for no key update
    )
    update devices set plan_published_n = 0, now_published_n = 0
    from locked where devices.id = locked.id`);
}

/** Lets the states of one receiver be published again. */
export async function markUnpublished(db: Db, deviceId: string): Promise<void> {
  await db.update(devices).set({ planPublishedN: 0, nowPublishedN: 0 }).where(eq(devices.id, deviceId));
}
