import type { AudioPacket, MediaTime, MissedReason } from '@loalang/shared';
import { createOpusDecoder } from '@loalang/shared/opus';
import { mediaTimeOn, type MediaLine, type MonotonicClock, type Timer } from '../clock/index.ts';
import { Backoff, pause } from '../link/backoff.ts';
import { Playout, type Gap, type Heard, type NowState, type Progress } from '../playout/index.ts';
import type { Sink } from '../sink/index.ts';
import { openAssetFile } from '../store/index.ts';
import type { Renderer, RendererEvents, RenderItem, RenderPlan, RenderReport } from './renderer.ts';

/** How often what is due is looked at while no sink pulls. */
const PASS_UNHEARD_EVERY_MS = 1_000;
const SINK_RETRY_FIRST_MS = 1_000;
const SINK_RETRY_MOST_MS = 30_000;

export interface LocalRendererOptions {
  readonly sink: Sink;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  /** How far broadcasts had sounded before this start. */
  readonly progress: readonly Progress[];
  readonly reasonBefore?: MissedReason;
  readonly events: RendererEvents;
}

/** Playout and sink in the thread that it is called from. */
export class LocalRenderer implements Renderer {
  readonly #options: LocalRendererOptions;
  readonly #playout: Playout;
  readonly #ended = new AbortController();
  #line: MediaLine | null = null;
  #sinkFailure: string | null = null;
  #sinkWork: Promise<void> = Promise.resolve();
  #unheardTimer: Timer | null = null;
  #last: RenderReport | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: LocalRendererOptions) {
    const { progress, reasonBefore, events } = options;
    this.#options = options;
    this.#playout = new Playout({
      createDecoder: createOpusDecoder,
      timeline: { toMediaTime: (monotonicUs) => this.mediaTimeAt(monotonicUs) },
      progressOf: (broadcastId) => progress.find((each) => each.broadcastId === broadcastId) ?? null,
      onProof: events.onProof,
      onSounding: events.onReport,
      onFault: events.onFault,
      ...(reasonBefore === undefined ? {} : { reasonBefore }),
    });
  }

  get report(): RenderReport {
    if (this.#last !== null) return this.#last;
    const { playing, bufferMs } = this.#playout.status();
    return {
      playing,
      bufferMs,
      progress: this.#playout.progress(),
      sinkFailure: this.#sinkFailure,
      isRealTime: this.#options.sink.isRealTime ?? null,
      cardDriftPpm: this.#options.sink.cardDriftPpm ?? null,
    };
  }

  mediaTimeAt(monotonicUs: number): MediaTime | null {
    return mediaTimeOn(this.#line, monotonicUs);
  }

  async start(): Promise<void> {
    // The first decoder has to load its library: not while something is due.
    (await createOpusDecoder()).close();
    this.#sinkWork = this.#startSink();
  }

  setTimeline(line: MediaLine | null): void {
    this.#line = line;
  }

  setPlan({ items, policy, acousticOffsetMs }: RenderPlan): void {
    this.#playout.setAcousticOffset(acousticOffsetMs);
    this.#playout.setPlan(items.map(playable), policy);
  }

  setNow(now: NowState): void {
    this.#playout.setNow(now);
  }

  insert(streamId: string, packet: AudioPacket, nowUs: number): void {
    this.#playout.insert(streamId, packet, nowUs);
  }

  gaps(streamId: string, mediaUs: number, tailUntilUs: number | null): Promise<readonly Gap[]> {
    return Promise.resolve(this.#playout.gaps(streamId, mediaUs, tailUntilUs));
  }

  recent(from: MediaTime | null, durationMs: number): Promise<Heard | null> {
    return Promise.resolve(this.#playout.recent(from, durationMs));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    await this.#sinkWork;
    await this.#options.sink.close();
    this.#unheardTimer?.cancel();
    this.#last = this.report;
    this.#playout.close();
  }

  // A card that is busy or gone must not keep the receiver from saying so.
  async #startSink(): Promise<void> {
    const { sink, clock, random, events } = this.#options;
    const backoff = new Backoff(SINK_RETRY_FIRST_MS, SINK_RETRY_MOST_MS, random);
    let hasRefused = false;
    while (!this.#ended.signal.aborted) {
      try {
        await sink.start(
          (heardAtUs, out, pace) => this.#playout.render(heardAtUs, out, pace),
          (failure) => this.#setSinkFailure(failure),
        );
        // One that has begun may have told of its health already.
        if (hasRefused) this.#setSinkFailure(null);
        else events.onReport();
        return;
      } catch (error) {
        hasRefused = true;
        this.#setSinkFailure(error instanceof Error ? error : new Error(String(error)));
        await pause(clock, backoff.nextMs(), this.#ended.signal);
      }
    }
  }

  #setSinkFailure(failure: Error | null): void {
    this.#sinkFailure = failure === null ? null : failure.message;
    this.#unheardTimer?.cancel();
    this.#unheardTimer = null;
    if (failure !== null) this.#passUnheard();
    this.#options.events.onReport();
  }

  // Nobody pulls the playout now; what comes to its end meanwhile is proved all the same.
  #passUnheard(): void {
    const { clock } = this.#options;
    this.#playout.passUnheard(clock.nowUs());
    this.#unheardTimer = clock.after(PASS_UNHEARD_EVERY_MS, () => this.#passUnheard());
  }
}

function playable(item: RenderItem) {
  const { audio } = item;
  return { ...item, openAudio: () => (audio === null ? null : openAssetFile(audio)) };
}
