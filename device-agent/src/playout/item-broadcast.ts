import { addUs } from '@loalang/shared';
import type { MediaTime, MissedReason, PlanItem } from '@loalang/shared';
import { FRAME_US } from '@loalang/shared/opus';
import type { OpusDecoder } from '@loalang/shared/opus';
import { Account, framesOf } from './account.ts';
import { Arming } from './arming.ts';
import type { Armed } from './arming.ts';
import type { Broadcast, BroadcastParts, PlayableItem } from './broadcast.ts';
import { ItemSource } from './item-source.ts';
import type { Source } from './source.ts';

// A plan says the duration in whole milliseconds, and encoders pad: a file this much shorter is still whole.
const SHORTER_SAMPLES = 1_920;

/** One item of the plan whose time is near. */
export class ItemBroadcast implements Broadcast {
  readonly kind = 'item';
  readonly id: string;
  readonly priority: PlanItem['priority'];
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
  readonly account: Account;
  readonly knownAt: MediaTime | null;
  readonly #arming: Arming<ItemSource>;
  #item: PlayableItem;

  constructor(item: PlayableItem, { createDecoder, progress, knownAt }: BroadcastParts) {
    this.#item = item;
    this.id = item.broadcastId;
    this.priority = item.priority;
    this.startAt = item.startAt;
    this.endAt = addUs(item.startAt, item.durationMs * 1000);
    this.account = new Account(item.broadcastId, 'item', progress);
    this.knownAt = knownAt;
    this.#arming = new Arming(createDecoder, () => this.#prepare(), 'asset-corrupt');
  }

  get soundsAt(): MediaTime {
    return this.startAt;
  }

  get armed(): Armed<Source> | null {
    return this.#arming.armed;
  }

  /** Takes the item of a newer plan, if it is the same broadcast at the same time with the same audio. */
  adopt(item: PlayableItem): boolean {
    const { startAt, durationMs, asset, priority } = this.#item;
    const isSame =
      item.startAt === startAt &&
      item.durationMs === durationMs &&
      item.asset.sha256 === asset.sha256 &&
      item.priority === priority;
    if (isSame) this.#item = item;
    return isSame;
  }

  // A decoder that is on its way has not made it miss anything yet that the residue would not count.
  obstacle(): MissedReason | null {
    return this.armed === null ? (this.#arming.reason ?? 'asset-missing') : null;
  }

  readyAtUs(): number {
    return Infinity;
  }

  arm(at: MediaTime): void {
    this.#arming.arm(at);
  }

  disarm(): void {
    this.#arming.disarm();
  }

  fail(at: MediaTime): void {
    this.#arming.fail(at);
  }

  countPlayed(position: number, samples: number): void {
    const total = this.#arming.armed?.source.totalSamples ?? Infinity;
    if (position > total + SHORTER_SAMPLES) this.account.missed('asset-corrupt', framesOf(samples));
    else this.account.played(framesOf(samples));
  }

  countMissed(reason: MissedReason, _at: MediaTime, samples: number): void {
    this.account.missed(reason, framesOf(samples));
  }

  settle(): number {
    return Math.max(1, Math.round((this.endAt - this.startAt) / FRAME_US));
  }

  #prepare(): ((decoder: OpusDecoder) => ItemSource) | MissedReason {
    const reader = this.#item.openAudio();
    if (reader === null) return 'asset-missing';
    return (decoder) => new ItemSource(reader, decoder, () => this.#countConcealed());
  }

  #countConcealed(): void {
    this.account.concealed(1);
    this.account.played(-1);
  }
}
