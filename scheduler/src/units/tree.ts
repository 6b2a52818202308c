import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { policySchema, type Policy } from '@loalang/shared';
import type { Db } from '../database/index.ts';

/** A query runs on the pool or inside a transaction. */
type Queries = Pick<Db, 'execute'>;

/** What holds where no unit above says anything else: Vietnam's time, no quiet hours. */
export const DEFAULT_POLICY: Policy = { utcOffsetMinutes: 420, quietHours: [] };

const idRowsSchema = z.array(z.object({ id: z.string() }));
const policyRowsSchema = z.array(z.object({ start: z.string(), policy: policySchema }));

/** The unit itself and all below it; empty where there is no such unit. */
export async function subtreeIds(db: Queries, unitId: string): Promise<string[]> {
  const rows = await db.execute(sql`
    with recursive tree as (
      select id from units where id = ${unitId}
      union
      select units.id from units join tree on units.parent_id = tree.id
    )
    select id from tree`);
  return idRowsSchema.parse([...rows]).map((row) => row.id);
}

/** For each of the units: the policy of the nearest of itself and the units above it that has one. */
export async function effectivePolicies(
  db: Queries,
  unitIds: readonly string[],
): Promise<Map<string, Policy>> {
  const wanted = JSON.stringify(unitIds);
  const rows = await db.execute(sql`
    with recursive line as (
      select id as start, id, parent_id, policy, 0 as height from units
      where id in (select jsonb_array_elements_text(${wanted}::text::jsonb))
      union all
      select line.start, units.id, units.parent_id, units.policy, line.height + 1
      from line join units on units.id = line.parent_id
      where line.policy is null and line.height < 100
    )
    select start, policy from line where policy is not null`);
  const found = new Map(policyRowsSchema.parse([...rows]).map((row) => [row.start, row.policy]));
  return new Map(unitIds.map((id) => [id, found.get(id) ?? DEFAULT_POLICY]));
}
