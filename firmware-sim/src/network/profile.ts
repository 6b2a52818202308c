import type { CapacityTrace } from './capacity-trace.ts';

/** How late a chunk comes beyond the fixed delay. `normal`: around the delay (cut at 3 deviations); `exponential`: after it. */
export type Jitter =
  | { readonly kind: 'none' }
  | { readonly kind: 'normal'; readonly deviationMs: number }
  | { readonly kind: 'exponential'; readonly meanMs: number; readonly maxMs: number };

/** What a link does to one direction. */
export interface DirectionProfile {
  readonly delayMs: number;
  readonly jitter: Jitter;
  readonly capacity:
    | { readonly kind: 'unlimited' }
    | { readonly kind: 'rate'; readonly kbps: number; readonly burstBytes: number }
    | { readonly kind: 'trace'; readonly trace: CapacityTrace };
}

/** What a link does: `up` from the receiver, `down` to it. */
export interface NetworkProfile {
  readonly up: DirectionProfile;
  readonly down: DirectionProfile;
}

const perfectDirection: DirectionProfile = {
  delayMs: 0,
  jitter: { kind: 'none' },
  capacity: { kind: 'unlimited' },
};
/** A cable. */
export const perfectNetwork: NetworkProfile = { up: perfectDirection, down: perfectDirection };

/**
 * A good day on 4G: 25 ms each way on average, with the floor and the tail that a radio has (schedulers add delay, they
 * never take any away), and 4 Mbit/s. A receiver can't know the time better than half its round trip: with twice this
 * delay, on a busy machine, it would be at the edge of being in step.
 */
const mildDirection: DirectionProfile = {
  delayMs: 15,
  jitter: { kind: 'exponential', meanMs: 10, maxMs: 60 },
  capacity: { kind: 'rate', kbps: 4000, burstBytes: 16_000 },
};
export const mild4g: NetworkProfile = { up: mildDirection, down: mildDirection };

/** Two bars in the rain: slow, late and uneven. */
const weakDirection: DirectionProfile = {
  delayMs: 70,
  jitter: { kind: 'exponential', meanMs: 60, maxMs: 800 },
  capacity: { kind: 'rate', kbps: 300, burstBytes: 4_000 },
};
export const weak4g: NetworkProfile = { up: weakDirection, down: weakDirection };
