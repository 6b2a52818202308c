import type { Scheduler } from '@loalang/scheduler';
import { LoaLangError, type Person } from '@loalang/shared';

const USERNAME = 'quantri';

/**
 * The token of a link that signs the first administrator in once, as long as no administrator has chosen a password:
 * nobody else could get in. Null afterwards, and while there is no unit to administer.
 */
export async function makeFirstLink({
  people,
  units,
}: Pick<Scheduler, 'people' | 'units'>): Promise<string | null> {
  const unitId = await units.top();
  const first = unitId === null ? null : await ensureFirst(people, unitId);
  if (first === null) return null;
  const everybody = await people.list(first);
  const hasAdministrator = everybody.some(({ role, hasPassword }) => role === 'administrator' && hasPassword);
  return hasAdministrator ? null : await people.createLink(first.id);
}

async function ensureFirst(people: Scheduler['people'], unitId: string): Promise<Person | null> {
  try {
    return await people.ensure({ username: USERNAME, name: 'Quản trị', role: 'administrator', unitId });
  } catch (error) {
    // Another administrator has taken the first one's access away, so there is one.
    if (error instanceof LoaLangError && error.code === 'USERNAME_TAKEN') return null;
    throw error;
  }
}
