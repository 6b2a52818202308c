import { addMs, type MediaTime, type Status } from '@loalang/shared';

type Position = Pick<Status, 'session' | 'seq' | 'at'>;

/** A status that took longer than this says nothing about now. */
const MAX_AGE_MS = 75_000;

/**
 * Is a status newer than the one held, so that a recorded one can't pass for a sign of life? Within a session by its
 * number; a new session by its time. A receiver without the time is believed in a session not seen before:
 * `isRetired` knows those that ended.
 */
export function isNewer(
  status: Position,
  held: Position | null,
  world: { now: MediaTime; isRetired: (session: string) => boolean },
): boolean {
  if (status.at !== null && addMs(status.at, MAX_AGE_MS) < world.now) return false;
  if (held === null) return true;
  if (status.session === held.session) return status.seq > held.seq;
  if (world.isRetired(status.session)) return false;
  const isHeldTimeTrue = held.at !== null && held.at <= addMs(world.now, MAX_AGE_MS);
  return status.at === null || held.at === null || !isHeldTimeTrue || status.at > held.at;
}
