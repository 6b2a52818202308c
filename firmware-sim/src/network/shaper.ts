import { drawExponential, drawNormal, type Random } from '../random.ts';
import { ConstantRate, TraceCapacity, unlimited, type Capacity } from './capacity.ts';
import type { DirectionProfile, Jitter } from './profile.ts';

/** One connection in one direction: what came in first comes out first. */
export interface Flow {
  lastReleaseUs: number;
}

/**
 * Decides when bytes come out of one direction of a link: they wait for the bottleneck, which all connections share,
 * then travel for delay and jitter. A later chunk of a flow never comes out before an earlier one (TCP), so a chunk
 * that jitter holds up holds up those behind it. Knows no clock and no socket.
 */
export class Shaper {
  readonly #random: Random;
  #profile: DirectionProfile;
  #capacity: Capacity;

  constructor(profile: DirectionProfile, random: Random) {
    this.#random = random;
    this.#profile = profile;
    this.#capacity = makeCapacity(profile);
  }

  /** From now on other rules hold; what has its time already keeps it. */
  setProfile(profile: DirectionProfile): void {
    this.#profile = profile;
    this.#capacity = makeCapacity(profile);
  }

  /** When these bytes, handed in now, come out. Ask in order of time. */
  releaseAtUs(flow: Flow, bytes: number, nowUs: number): number {
    const leftAtUs = this.#capacity.serve(bytes, nowUs);
    const travelMs = Math.max(0, this.#profile.delayMs + drawJitterMs(this.#profile.jitter, this.#random));
    flow.lastReleaseUs = Math.max(flow.lastReleaseUs, leftAtUs + travelMs * 1000);
    return flow.lastReleaseUs;
  }
}

function makeCapacity({ capacity }: DirectionProfile): Capacity {
  switch (capacity.kind) {
    case 'unlimited':
      return unlimited;
    case 'rate':
      return new ConstantRate(capacity.kbps, capacity.burstBytes);
    case 'trace':
      return new TraceCapacity(capacity.trace);
  }
}

function drawJitterMs(jitter: Jitter, random: Random): number {
  switch (jitter.kind) {
    case 'none':
      return 0;
    case 'normal':
      return jitter.deviationMs * Math.min(3, Math.max(-3, drawNormal(random)));
    case 'exponential':
      return Math.min(jitter.maxMs, jitter.meanMs * drawExponential(random));
  }
}
