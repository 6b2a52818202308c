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

/**
 * Do two boards speak with one key? Then the broker lets in now the one, now the other, and a session that has ended for
 * the other's sake goes on: its status was made after the newest one of its successor, and not long ago. (One that a
 * captured broker held back and sends later was made before.)
 */
export function isOfTwin(
  status: Position,
  held: Position | null,
  world: { now: MediaTime; isRetired: (session: string) => boolean },
): boolean {
  if (held === null || !world.isRetired(status.session) || status.at === null || held.at === null)
    return false;
  return status.at > held.at && addMs(status.at, MAX_AGE_MS) >= world.now;
}
