import { Shaper, type Flow } from '../network/shaper.ts';
import type { NetworkProfile } from '../network/profile.ts';
import { seededRandom } from '../random.ts';

/** From then on, for so long, nothing passes; what is under way waits (TCP loses nothing). */
export interface Stall {
  readonly fromUs: number;
  readonly forUs: number;
}

/** How a link behaves over a run. */
export interface LinkStory {
  readonly profile: NetworkProfile;
  /** Short ones that the connection survives, in order of time; `every` repeats. */
  readonly stalls?: { readonly everyUs: number; readonly forUs: number };
  /** Long ones that cost the connection. */
  readonly outages?: readonly Stall[];
}

/** TCP, TLS and MQTT greet each other before the first request of a new connection. */
const GREETING_ROUND_TRIPS = 4;

/** The way of one receiver's requests and replies. Pure: true time in, true time out. */
export class TwinLink {
  readonly #story: LinkStory;
  readonly #up: Shaper;
  readonly #down: Shaper;
  readonly #phaseUs: number;
  #upFlow: Flow = { lastReleaseUs: 0 };
  #downFlow: Flow = { lastReleaseUs: 0 };

  constructor(story: LinkStory, seed: string) {
    const random = seededRandom(`link ${seed}`);
    this.#story = story;
    this.#up = new Shaper(story.profile.up, seededRandom(`up ${seed}`));
    this.#down = new Shaper(story.profile.down, seededRandom(`down ${seed}`));
    this.#phaseUs = random.next() * (story.stalls?.everyUs ?? 0);
  }

  /** When bytes handed in now at the receiver reach the platform. Ask in order of time. */
  upAtUs(bytes: number, nowUs: number): number {
    return this.#pass(this.#up, this.#upFlow, bytes, nowUs);
  }

  downAtUs(bytes: number, nowUs: number): number {
    return this.#pass(this.#down, this.#downFlow, bytes, nowUs);
  }

  /** A new connection: nothing of the old one holds it up. Answers when it can be used. */
  connectAtUs(nowUs: number): number {
    this.#upFlow = { lastReleaseUs: 0 };
    this.#downFlow = { lastReleaseUs: 0 };
    let atUs = nowUs;
    for (let trip = 0; trip < GREETING_ROUND_TRIPS; trip += 1) {
      atUs = this.downAtUs(200, this.upAtUs(200, atUs));
    }
    return atUs;
  }

  isOutAt(nowUs: number): boolean {
    return (this.#story.outages ?? []).some(({ fromUs, forUs }) => nowUs >= fromUs && nowUs < fromUs + forUs);
  }

  #pass(shaper: Shaper, flow: Flow, bytes: number, nowUs: number): number {
    const releasedUs = shaper.releaseAtUs(flow, bytes, this.#openFrom(nowUs));
    flow.lastReleaseUs = this.#openFrom(releasedUs);
    return flow.lastReleaseUs;
  }

  #openFrom(nowUs: number): number {
    const { stalls } = this.#story;
    if (stalls === undefined) return nowUs;
    const withinUs = (nowUs + this.#phaseUs) % stalls.everyUs;
    return withinUs < stalls.forUs ? nowUs + stalls.forUs - withinUs : nowUs;
  }
}
