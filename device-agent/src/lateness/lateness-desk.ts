import type { AudioPacket, Lateness, LiveStream, MediaTime } from '@loalang/shared';
import type { MonotonicClock, Timer } from '../clock/index.ts';
import { LatenessCounter } from './lateness-counter.ts';

const REPORT_EVERY_MS = 10_000;

export interface LatenessDeskOptions {
  readonly clock: MonotonicClock;
  /** Sends a report; false where there is no link. A lost one is made good by the next. */
  readonly send: (report: Lateness) => boolean;
}

interface Heard {
  readonly counter: LatenessCounter;
  reported: number;
}

/** Tells the platform how late packets are: every 10 s while streams are heard, and at their end. */
export class LatenessDesk {
  readonly #options: LatenessDeskOptions;
  #streams = new Map<string, LiveStream>();
  readonly #heard = new Map<string, Heard>();
  #timer: Timer | null = null;

  constructor(options: LatenessDeskOptions) {
    this.#options = options;
  }

  /** The streams that are followed from now on, at most four; those that are not any more are reported a last time. */
  follow(streams: readonly LiveStream[]): void {
    this.#streams = new Map(streams.map((stream) => [stream.id, stream]));
    for (const [id, heard] of this.#heard) {
      if (this.#streams.has(id)) continue;
      this.#report(id, heard);
      this.#heard.delete(id);
    }
    if (this.#heard.size === 0) this.#stopTimer();
  }

  /** Takes a verified packet that came by its stream's topic. */
  count(streamId: string, packet: AudioPacket, arrivedAt: MediaTime): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    const heard = this.#heard.get(streamId) ?? {
      counter: new LatenessCounter(stream.latencyMs),
      reported: 0,
    };
    this.#heard.set(streamId, heard);
    heard.counter.count(packet, arrivedAt);
    if (packet.isLast) this.#report(streamId, heard);
    else if (this.#timer === null) this.#reportLater();
  }

  close(): void {
    this.#stopTimer();
  }

  #reportLater(): void {
    this.#timer = this.#options.clock.after(REPORT_EVERY_MS, () => {
      for (const [id, heard] of this.#heard) this.#report(id, heard);
      this.#reportLater();
    });
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #report(id: string, heard: Heard): void {
    if (heard.counter.packets === heard.reported) return;
    if (this.#options.send(heard.counter.report(id))) heard.reported = heard.counter.packets;
  }
}
