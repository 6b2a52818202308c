import { LoaLangError, type MediaTime, type Person, type Policy } from '@loalang/shared';
import type { Db } from '../database/index.ts';
import { deviceRepository } from '../fleet/index.ts';
import type { Units } from '../units/index.ts';
import { quietHoursMet } from './local-time.ts';

/** Whom a broadcast reaches. */
export interface Audience {
  readonly unitIds: readonly string[];
  readonly deviceIds: readonly string[];
  /** One for each unit in which a receiver of the audience stands. */
  readonly policies: readonly Policy[];
}

/** The receivers below the chosen units. Throws NOT_FOUND for units of others, NO_RECEIVER where there is none. */
export async function findAudience(
  { db, units }: { db: Db; units: Units },
  person: Person,
  chosen: readonly string[],
): Promise<Audience> {
  const unitIds = [...new Set(chosen)];
  await units.assertWithin(person, unitIds);
  const below = await Promise.all(unitIds.map(async (id) => await units.subtree(id)));
  const devices = await deviceRepository.listTargets(db, [...new Set(below.flat())]);
  if (devices.length === 0) throw new LoaLangError('NO_RECEIVER');
  const policies = await units.policies([...new Set(devices.map(({ unitId }) => unitId))]);
  return { unitIds, deviceIds: devices.map(({ id }) => id), policies: [...policies.values()] };
}

/** Throws QUIET_HOURS where any of the audience must not be disturbed between two moments. */
export function assertNotQuiet({ policies }: Audience, start: MediaTime, end: MediaTime): void {
  for (const policy of policies) {
    const met = quietHoursMet(policy, start, end);
    if (met !== null) throw new LoaLangError('QUIET_HOURS', { from: met.from, to: met.to });
  }
}
