import type { Backoff } from './backoff.ts';

/** A connection that lasted this long was a good one. */
const GOOD_US = 30_000_000;

/** How one connection went, or the attempt at one. */
export interface Past {
  /** From the first try to its end. */
  readonly lastedUs: number;
  /** An error or silence ended it; without one the broker ended it in good order. */
  readonly isBroken: boolean;
}

/**
 * How long to wait before the next try. A good connection that broke was lost by this receiver's own network, as a rule:
 * it is tried again at once, since each half second costs half a second of a live stream. A broker that goes ends all
 * connections in good order: then receivers come back spread. Whatever fails again waits longer each time.
 */
export function reconnectAfterMs(backoff: Backoff, { lastedUs, isBroken }: Past): number {
  const wasGood = lastedUs > GOOD_US;
  if (wasGood) backoff.reset();
  return wasGood && isBroken ? 0 : backoff.nextMs();
}
