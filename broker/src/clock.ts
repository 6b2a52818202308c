import { fromUnixMs, type MediaTime } from '@loalang/shared';

/** Where the broker gets media time from. */
export interface Clock {
  now(): MediaTime;
}

/** The machine's clock, which the operator keeps synchronised. */
export const systemClock: Clock = { now: () => fromUnixMs(Date.now()) };
