import type { LiveStream, MediaTime, Policy } from '@loalang/shared';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { Progress } from './account.ts';
import { precedence, standingOf } from './arbiter.ts';
import type { Rules } from './arbiter.ts';
import { AttentionSignal } from './attention-signal.ts';
import type { Broadcast, BroadcastParts, PlayableItem } from './broadcast.ts';
import { ItemBroadcast } from './item-broadcast.ts';
import { StreamBroadcast } from './stream-broadcast.ts';

/** What the receiver was told for this moment, as far as it concerns what sounds. */
export interface NowState {
  readonly streams: readonly LiveStream[];
  readonly stopped: readonly string[];
  readonly volume: number;
  readonly isMuted: boolean;
}

export interface LineUpOptions {
  readonly createDecoder: () => Promise<OpusDecoder>;
  readonly progressOf: (broadcastId: string) => Progress | null;
}

// A decoder comes within milliseconds; a slow card that has to read the first pages takes longer. An emergency draws
// attention three seconds ahead.
const ARM_AHEAD_US = 3_500_000;
const ARM_EVERY_US = 250_000;
// Decoders held ready at most, some 100 KB each; what is further down the order is armed once it moves up.
const MAX_ARMED = 6;
// Ids that were proved since the start; those of before are not in what it is told. The oldest is forgotten.
const MAX_PROVED = 8_192;
const NO_QUIET_HOURS: Policy = { utcOffsetMinutes: 420, quietHours: [] };

/** All broadcasts that the receiver knows of: those to come, and the near ones with their sources. */
export class LineUp {
  readonly #options: LineUpOptions;
  readonly #near = new Map<string, Broadcast>();
  /** Of the near emergencies, by the same ids. */
  readonly #signals = new Map<string, AttentionSignal>();
  readonly #proved = new Set<string>();
  #upcoming: { item: PlayableItem; knownAt: MediaTime | null }[] = [];
  #cancelled = new Set<string>();
  #rules: Rules = { policy: NO_QUIET_HOURS, isMuted: false, stopped: new Set() };
  #armAtUs = -Infinity;

  constructor(options: LineUpOptions) {
    this.#options = options;
  }

  get rules(): Rules {
    return this.#rules;
  }

  get near(): Iterable<Broadcast> {
    return this.#near.values();
  }

  /** Whatever may take the loudspeaker: the near broadcasts, and what draws attention to them. */
  get candidates(): Broadcast[] {
    return [...this.#near.values(), ...this.#signals.values()];
  }

  get isEmpty(): boolean {
    return this.#near.size === 0;
  }

  get streams(): StreamBroadcast[] {
    return [...this.#near.values()].filter((each) => each instanceof StreamBroadcast);
  }

  stream(id: string): StreamBroadcast | null {
    const found = this.#near.get(id);
    return found instanceof StreamBroadcast ? found : null;
  }

  /** A cancelled broadcast ends at once if it has begun, and was never there if it hasn't. */
  isCancelled(broadcast: Broadcast): boolean {
    return this.#cancelled.has(broadcast.id);
  }

  setPlan(items: readonly PlayableItem[], policy: Policy, at: MediaTime | null): void {
    this.#rules = { ...this.#rules, policy };
    const byId = new Map(items.map((item) => [item.broadcastId, item]));
    for (const broadcast of this.#near.values()) {
      if (broadcast instanceof ItemBroadcast) this.#replan(broadcast, byId.get(broadcast.id));
    }
    const knownSince = new Map(this.#upcoming.map(({ item, knownAt }) => [item.broadcastId, knownAt]));
    this.#upcoming = [...byId.values()]
      .filter(({ broadcastId }) => !this.#near.has(broadcastId) && !this.#proved.has(broadcastId))
      .map((item) => ({ item, knownAt: knownSince.get(item.broadcastId) ?? at }))
      .toSorted((a, b) => a.item.startAt - b.item.startAt);
  }

  setNow({ streams, stopped, isMuted }: NowState, at: MediaTime | null): void {
    this.#rules = { ...this.#rules, isMuted, stopped: new Set(stopped) };
    const onAir = new Set(streams.map(({ id }) => id));
    for (const broadcast of this.streams) if (!onAir.has(broadcast.id)) this.#takeOff(broadcast, at);
    for (const stream of streams) this.#announce(stream, at);
    this.#armAtUs = -Infinity;
  }

  /** Takes in the items whose time is near, and gets ready what may sound soon. */
  prepare(at: MediaTime): void {
    let count = 0;
    for (const { item, knownAt } of this.#upcoming) {
      if (item.startAt - ARM_AHEAD_US > at) break;
      this.#add(new ItemBroadcast(item, this.#parts(item.broadcastId, knownAt)));
      count += 1;
    }
    if (count > 0) this.#upcoming = this.#upcoming.slice(count);
    if (count === 0 && at < this.#armAtUs && at > this.#armAtUs - 2 * ARM_EVERY_US) return;
    this.#armAtUs = at + ARM_EVERY_US;
    this.#arm(at);
  }

  /** Takes a broadcast off for good; one that is `proved` never comes back. */
  remove(broadcast: Broadcast, isProved: boolean): void {
    this.#near.delete(broadcast.id);
    this.#signals.delete(broadcast.id);
    this.#cancelled.delete(broadcast.id);
    broadcast.disarm();
    if (!isProved) return;
    this.#proved.add(broadcast.id);
    const oldest = this.#proved.values().next();
    if (this.#proved.size > MAX_PROVED && oldest.done !== true) this.#proved.delete(oldest.value);
  }

  /** Gives all decoders back. */
  close(): void {
    for (const broadcast of this.#near.values()) broadcast.disarm();
    this.#near.clear();
    this.#signals.clear();
    this.#upcoming = [];
  }

  #replan(broadcast: ItemBroadcast, item: PlayableItem | undefined): void {
    if (item !== undefined && broadcast.adopt(item)) {
      this.#cancelled.delete(broadcast.id);
    } else if (broadcast.account.counted > 0) {
      // Its times are part of what was approved: under the same id nothing else may sound.
      this.#cancelled.add(broadcast.id);
    } else {
      this.remove(broadcast, false);
    }
  }

  #takeOff(broadcast: StreamBroadcast, at: MediaTime | null): void {
    // A receiver that sounds later may hold all of a short stream before its own start.
    const hasBegun = at === null || at >= broadcast.startAt || broadcast.buffer.tailUs !== null;
    if (!hasBegun) this.remove(broadcast, false);
    else broadcast.drain();
  }

  #announce(stream: LiveStream, at: MediaTime | null): void {
    const known = this.stream(stream.id);
    if (known !== null) known.adopt(stream);
    else if (!this.#near.has(stream.id) && !this.#proved.has(stream.id)) {
      this.#add(new StreamBroadcast(stream, this.#parts(stream.id, at)));
    }
  }

  #add(broadcast: Broadcast): void {
    this.#near.set(broadcast.id, broadcast);
    if (broadcast.priority === 'emergency') this.#signals.set(broadcast.id, new AttentionSignal(broadcast));
  }

  #parts(id: string, knownAt: MediaTime | null): BroadcastParts {
    const { createDecoder, progressOf } = this.#options;
    return { createDecoder, progress: progressOf(id), knownAt };
  }

  #arm(at: MediaTime): void {
    const wanted = [...this.#near.values()]
      .filter((each) => ['early', 'eligible'].includes(standingOf(each, this.#rules, at)))
      .toSorted(precedence);
    wanted.slice(MAX_ARMED).forEach((broadcast) => broadcast.disarm());
    wanted.slice(0, MAX_ARMED).forEach((broadcast) => broadcast.arm(at));
  }
}
