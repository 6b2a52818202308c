import type { MonotonicClock } from '@loalang/device-agent';
import { seededRandom } from '../random.ts';
import { LinkTime } from './link-time.ts';
import type { NetworkProfile } from './profile.ts';
import { Shaper } from './shaper.ts';

/** The radio of one receiver: both directions, shared by all its connections. */
export class Link {
  readonly clock: MonotonicClock;
  readonly up: Shaper;
  readonly down: Shaper;
  readonly #time = new LinkTime();
  readonly #onResume = new Set<() => void>();

  constructor(options: { profile: NetworkProfile; seed: string; clock: MonotonicClock }) {
    const { profile, seed, clock } = options;
    this.clock = clock;
    this.up = new Shaper(profile.up, seededRandom(`up ${seed}`));
    this.down = new Shaper(profile.down, seededRandom(`down ${seed}`));
  }

  get isStalled(): boolean {
    return this.#time.isStalled;
  }

  /** Time as the link counts it: it stands still in an outage. */
  nowUs(): number {
    return this.#time.toLinkUs(this.clock.nowUs());
  }

  setProfile(profile: NetworkProfile): void {
    this.up.setProfile(profile.up);
    this.down.setProfile(profile.down);
  }

  /** From now on nothing comes through, and nobody is told. */
  stall(): void {
    this.#time.stall(this.clock.nowUs());
  }

  /** The outage is over: what waited goes on. */
  resume(): void {
    if (!this.isStalled) return;
    this.#time.resume(this.clock.nowUs());
    for (const listener of this.#onResume) listener();
  }

  /** Calls after each outage; the answer takes the listener away. */
  onResume(listener: () => void): () => void {
    this.#onResume.add(listener);
    return () => this.#onResume.delete(listener);
  }
}
