import { MOST_LEAD, type LiveStream, type MediaTime, type RepairRequest } from '@loalang/shared';
import type { MonotonicClock, Timer } from '../clock/index.ts';
import type { Gap } from '../playout/index.ts';
import { RepairPlanner } from './repair-planner.ts';

/** Numbers of frames go round. */
const UINT32 = 2 ** 32;
/** Until the first exchange of time has told: a mobile network that is not at its worst. */
const FIRST_ROUND_TRIP_US = 150_000;

export interface RepairDeskOptions {
  readonly clock: MonotonicClock;
  /** Null while it isn't known: then nobody can say what is in time. */
  readonly mediaNow: () => MediaTime | null;
  /** The streams that are followed, at most four. */
  readonly streams: () => readonly LiveStream[];
  readonly gaps: (streamId: string, nowUs: number, tailUntilUs: number | null) => Promise<readonly Gap[]>;
  /** Sends a question; false where there is no link. */
  readonly send: (request: RepairRequest) => boolean;
}

/** Asks for packets that never came, and knows which answers it waits for. */
export class RepairDesk {
  readonly #options: RepairDeskOptions;
  readonly #planners = new Map<string, RepairPlanner>();
  /** Streams of which nothing has come since the link is back: what was sent meanwhile is missing at their end. */
  readonly #silent = new Set<string>();
  /** Streams in which something was missing when they were last looked at. */
  readonly #torn = new Set<string>();
  /** By stream: the number that follows on the last packet that came by its topic. */
  readonly #next = new Map<string, number>();
  #roundTripUs = FIRST_ROUND_TRIP_US;
  #isOnline = false;
  #timer: Timer | null = null;
  #mustLook = false;
  #looking: Promise<void> | null = null;

  constructor(options: RepairDeskOptions) {
    this.#options = options;
  }

  /** The link is there: what was sent while it was not is missing. Resolves once it has been asked for. */
  async start(): Promise<void> {
    this.#isOnline = true;
    for (const { id } of this.#options.streams()) this.#silent.add(id);
    await this.#look();
  }

  /** The link is gone. */
  stop(): void {
    this.#isOnline = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /**
   * So many frames of a stream have come by its topic; a hole before them shows now. Where they follow on the last and nothing
   * was missing, there is nothing to look for: the thread that plays is not asked at each packet.
   */
  arrived(streamId: string, sequence: number, frames: number): void {
    const isNext = this.#next.get(streamId) === sequence;
    this.#next.set(streamId, (sequence + frames) % UINT32);
    const wasSilent = this.#silent.delete(streamId);
    if (!isNext || wasSilent || this.#torn.has(streamId)) void this.#look();
  }

  /** What an exchange of time took; the shortest of a burst, so that nothing is given up that could still come. */
  learnRoundTrip(roundTripsUs: readonly number[]): void {
    if (roundTripsUs.length > 0) this.#roundTripUs = Math.max(0, Math.min(...roundTripsUs));
  }

  /** Was one of these frames asked for? */
  isExpected(streamId: string, sequence: number, frames: number): boolean {
    const planner = this.#planners.get(streamId);
    return planner?.isExpected(sequence, frames, this.#options.clock.nowUs()) ?? false;
  }

  // One look at a time; what happens meanwhile is looked at after it.
  async #look(): Promise<void> {
    this.#mustLook = true;
    this.#looking ??= this.#lookAll();
    await this.#looking;
  }

  async #lookAll(): Promise<void> {
    while (this.#mustLook) {
      this.#mustLook = false;
      const streams = this.#options.streams();
      this.#forgetOthers(streams);
      const hasAsked = await Promise.all(streams.map((stream) => this.#ask(stream)));
      if (hasAsked.includes(true)) this.#lookLater();
    }
    this.#looking = null;
  }

  async #ask({ id, latencyMs }: LiveStream): Promise<boolean> {
    const { clock, gaps, mediaNow, send } = this.#options;
    const mediaUs = mediaNow();
    if (!this.#isOnline || mediaUs === null) return false;
    const tailUntilUs = this.#silent.has(id) ? mediaUs + MOST_LEAD * latencyMs * 1000 : null;
    const found = await gaps(id, mediaUs, tailUntilUs);
    if (found.length > 0) this.#torn.add(id);
    else this.#torn.delete(id);
    if (!this.#isOnline) return false;
    const planner = this.#planners.get(id) ?? new RepairPlanner();
    this.#planners.set(id, planner);
    const missing = planner.plan(found, { mediaUs, nowUs: clock.nowUs(), roundTripUs: this.#roundTripUs });
    return missing.length > 0 && send({ streamId: id, missing });
  }

  // Once more than the planner waits, so that it finds what is overdue.
  #lookLater(): void {
    if (!this.#isOnline) return;
    const waitMs = RepairPlanner.waitUs({ roundTripUs: this.#roundTripUs }) / 1000 + 1;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(waitMs, () => void this.#look());
  }

  #forgetOthers(streams: readonly LiveStream[]): void {
    const current = new Set(streams.map(({ id }) => id));
    for (const id of this.#planners.keys()) if (!current.has(id)) this.#planners.delete(id);
    for (const known of [this.#silent, this.#torn, this.#next]) {
      for (const id of known.keys()) if (!current.has(id)) known.delete(id);
    }
  }
}
