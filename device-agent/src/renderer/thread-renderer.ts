import type { TransferListItem } from 'node:worker_threads';
import type { AudioPacket, MediaTime } from '@loalang/shared';
import { within, type MediaLine, type MonotonicClock, type Timer } from '../clock/index.ts';
import { Backoff } from '../link/backoff.ts';
import type { Gap, Heard, NowState, Progress } from '../playout/index.ts';
import type { SinkSettings } from '../sink/index.ts';
import { detach, type FromThread, type Question, type ToThread } from './messages.ts';
import { OpenBroadcasts } from './open-broadcasts.ts';
import { Questions } from './questions.ts';
import { endThread, startThread, type RendererThread } from './renderer-thread.ts';
import {
  NOTHING_YET,
  type Renderer,
  type RendererEvents,
  type RenderPlan,
  type RenderReport,
} from './renderer.ts';

const LOOK_EVERY_MS = 1_000;
/** A thread that has told nothing in so many looks stands still. Looks, not time: while we stand still ourselves none pass. */
const STILL_AFTER_LOOKS = 5;
/** A slow board reads the code of a new thread for seconds. */
const FIRST_WORD_WITHIN_LOOKS = 30;
const RESTART_FIRST_MS = 1_000;
const RESTART_MOST_MS = 30_000;
/** One that has lived so long was well: the next fall is a new one. */
const WELL_AFTER_LOOKS = 60;
/**
 * Threads that hang in a driver, some 25 MB each. A further one waits until one of them is gone. Each keeps one of the four
 * threads that libuv has for files and names too, and the journal needs one.
 */
const MOST_LEFT_BEHIND = 2;
/** Some 15 s of four streams. What comes while so many wait for a thread that takes none is dropped: it would be late. */
const MOST_WAITING_PACKETS = 1_024;
const CLOSE_WITHIN_MS = 2_000;
const END_WITHIN_MS = 500;

export interface ThreadRendererOptions {
  readonly sink: SinkSettings;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  readonly progress: readonly Progress[];
  readonly events: RendererEvents;
  /** Another entry of the thread, for tests. */
  readonly entry?: URL;
}

/**
 * Playout and sink in a thread of their own, so that whatever the receiver is busy with, the card is fed. A thread that
 * falls or stands still is told of as a failed sink and replaced; the next one goes on where the clock says.
 */
export class ThreadRenderer implements Renderer {
  readonly #options: ThreadRendererOptions;
  readonly #broadcasts: OpenBroadcasts;
  readonly #questions: Questions<Question, readonly Gap[] | Heard | null>;
  readonly #backoff: Backoff;
  #thread: RendererThread | null = null;
  /** Ended by force, and not gone yet. */
  #leftBehind = 0;
  #report = NOTHING_YET;
  #line: MediaLine | null = null;
  #plan: RenderPlan | null = null;
  #now: NowState | null = null;
  #sentPackets = 0;
  #takenPackets = 0;
  #droppedPackets = 0;
  #looks = 0;
  #silentLooks = 0;
  #threads = 0;
  #timer: Timer | null = null;
  #onClosed: () => void = () => undefined;
  #closing: Promise<void> | null = null;

  constructor(options: ThreadRendererOptions) {
    this.#options = options;
    this.#broadcasts = new OpenBroadcasts(options.progress);
    this.#questions = new Questions(options.clock);
    this.#backoff = new Backoff(RESTART_FIRST_MS, RESTART_MOST_MS, options.random);
  }

  get report(): RenderReport {
    return this.#report;
  }

  /** Packets that a thread which stood still did not get. */
  get droppedPackets(): number {
    return this.#droppedPackets;
  }

  start(): Promise<void> {
    if (this.#threads === 0 && this.#closing === null) this.#spawn();
    return Promise.resolve();
  }

  setTimeline(line: MediaLine | null): void {
    this.#line = line;
    this.#send({ kind: 'timeline', line });
  }

  setPlan(plan: RenderPlan): void {
    this.#plan = plan;
    this.#sendPlan();
  }

  setNow(now: NowState): void {
    this.#now = now;
    this.#sendNow();
  }

  insert(streamId: string, packet: AudioPacket, nowUs: number): void {
    if (this.#thread === null || this.#sentPackets - this.#takenPackets >= MOST_WAITING_PACKETS) {
      this.#droppedPackets += 1;
      return;
    }
    this.#sentPackets += 1;
    const { packet: own, memory } = detach(packet);
    this.#send({ kind: 'packet', streamId, packet: own, nowUs }, [memory]);
  }

  async gaps(streamId: string, mediaUs: number, tailUntilUs: number | null): Promise<readonly Gap[]> {
    const answer = await this.#ask({ about: 'gaps', streamId, mediaUs, tailUntilUs });
    return answer !== null && 'length' in answer ? answer : [];
  }

  async recent(from: MediaTime | null, durationMs: number): Promise<Heard | null> {
    const answer = await this.#ask({ about: 'recent', from, durationMs });
    return answer !== null && 'samples' in answer ? answer : null;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const thread = this.#thread;
    if (thread !== null) {
      const closed = new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      this.#send({ kind: 'close' });
      await within(this.#options.clock, closed, CLOSE_WITHIN_MS);
    }
    this.#timer?.cancel();
    this.#thread = null;
    this.#questions.giveUp();
    // One that hangs in a driver is left behind; it ends with the process.
    if (thread !== null) await within(this.#options.clock, this.#end(thread), END_WITHIN_MS);
  }

  #spawn(): void {
    const reasonBefore = this.#threads === 0 ? 'powered-off' : 'sink-failed';
    const settings = {
      sink: this.#sinkSettings(),
      progress: this.#broadcasts.progress,
      reasonBefore,
    } as const;
    const thread = startThread(settings, this.#options.entry);
    const { worker } = thread;
    this.#threads += 1;
    this.#thread = thread;
    worker.on('message', (message: FromThread) => this.#take(thread, message));
    worker.on('error', (error) => this.#lost(thread, error));
    worker.on('exit', (code) => this.#lost(thread, new Error(`the renderer's thread ended with ${code}`)));
    this.#silentLooks = STILL_AFTER_LOOKS - FIRST_WORD_WITHIN_LOOKS;
    [this.#looks, this.#sentPackets, this.#takenPackets] = [0, 0, 0];
    this.#send({ kind: 'timeline', line: this.#line });
    this.#sendNow();
    this.#sendPlan();
    this.#lookLater(thread);
  }

  #sinkSettings(): SinkSettings {
    const { sink } = this.#options;
    const { cardDriftPpm } = this.#report;
    return sink.kind === 'alsa' && cardDriftPpm !== null ? { ...sink, driftPpm: cardDriftPpm } : sink;
  }

  #lookLater(thread: RendererThread): void {
    this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#looks += 1;
      this.#silentLooks += 1;
      if (this.#looks === WELL_AFTER_LOOKS) this.#backoff.reset();
      if (this.#silentLooks > STILL_AFTER_LOOKS) this.#lost(thread, new Error('the renderer stands still'));
      else this.#lookLater(thread);
    });
  }

  #take(thread: RendererThread, message: FromThread): void {
    if (thread !== this.#thread) return;
    this.#silentLooks = 0;
    switch (message.kind) {
      case 'report':
        this.#takenPackets = message.packets;
        this.#tell(message.report);
        break;
      case 'proof':
        if (this.#broadcasts.proved(message.draft)) this.#options.events.onProof(message.draft);
        break;
      case 'fault':
        this.#options.events.onFault(message.error);
        break;
      case 'answer':
        this.#questions.answered(message.id, message.answer);
        break;
      case 'closed':
        this.#tell(message.report);
        this.#onClosed();
        break;
    }
  }

  #tell(report: RenderReport): void {
    const before = this.#report;
    this.#report = report;
    this.#broadcasts.sounded(report.progress);
    const isSame =
      before.playing?.broadcastId === report.playing?.broadcastId &&
      before.sinkFailure === report.sinkFailure &&
      before.isRealTime === report.isRealTime;
    if (!isSame) this.#options.events.onReport();
  }

  #lost(thread: RendererThread, error: Error): void {
    if (thread !== this.#thread) return;
    this.#thread = null;
    this.#timer?.cancel();
    this.#onClosed();
    void this.#end(thread);
    this.#questions.giveUp();
    this.#options.events.onFault(error);
    this.#tell({ ...this.#report, playing: null, bufferMs: null, sinkFailure: error.message });
    if (this.#closing === null) this.#againLater();
  }

  #againLater(): void {
    this.#timer = this.#options.clock.after(this.#backoff.nextMs(), () => this.#again());
  }

  async #end(thread: RendererThread): Promise<void> {
    this.#leftBehind += 1;
    await endThread(thread).catch((error: unknown) => this.#options.events.onFault(error));
    this.#leftBehind -= 1;
  }

  #again(): void {
    if (this.#droppedPackets > 0) {
      this.#options.events.onFault(new Error(`${this.#droppedPackets} packets were dropped meanwhile`));
    }
    this.#droppedPackets = 0;
    const wanted = new Set([
      ...(this.#plan?.items ?? []).map(({ broadcastId }) => broadcastId),
      ...(this.#now?.streams ?? []).map(({ id }) => id),
    ]);
    for (const draft of this.#broadcasts.brokenOff((id) => wanted.has(id))) {
      this.#broadcasts.proved(draft);
      this.#options.events.onProof(draft);
    }
    if (this.#leftBehind < MOST_LEFT_BEHIND) this.#spawn();
    else this.#againLater();
  }

  // What an earlier thread proved is not for the next one.
  #sendPlan(): void {
    const plan = this.#plan;
    if (plan === null) return;
    const items = plan.items.filter(({ broadcastId }) => !this.#broadcasts.isProved(broadcastId));
    this.#send({ kind: 'plan', plan: { ...plan, items } });
  }

  #sendNow(): void {
    const now = this.#now;
    if (now === null) return;
    const streams = now.streams.filter(({ id }) => !this.#broadcasts.isProved(id));
    this.#send({ kind: 'now', now: { ...now, streams } });
  }

  #ask(question: Question): Promise<readonly Gap[] | Heard | null> {
    if (this.#thread === null) return Promise.resolve(null);
    return this.#questions.ask(question, (id, asked) =>
      this.#send({ kind: 'question', id, question: asked }),
    );
  }

  #send(message: ToThread, transfer: TransferListItem[] = []): void {
    this.#thread?.worker.postMessage(message, transfer);
  }
}
