import { pino } from 'pino';
import type { MediaTime } from '@loalang/shared';
import { bootTimeUs, systemClock } from './clock/index.ts';
import { Core } from './core.ts';
import { Duty } from './duty.ts';
import { askSignedTime, JoinDesk, type Membership } from './identity/index.ts';
import { Backoff, pause } from './link/index.ts';
import type { AgentOptions, FullOptions } from './options.ts';
import { markForWiping } from './store/index.ts';
import { readClips, Voice } from './voice/index.ts';

const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 30_000;

/**
 * A receiver. `start()` returns once it plays what it holds, whether anybody can be reached or not; joining, the hour
 * and the link follow by themselves and are tried for as long as it lives.
 */
export class Agent {
  readonly #options: FullOptions;
  #ended = new AbortController();
  #core: Core | null = null;
  #joining: JoinDesk | null = null;
  #duty: Duty | null = null;
  #starting: Promise<void> | null = null;
  #life: Promise<void> = Promise.resolve();
  #asking: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: AgentOptions) {
    this.#options = {
      ...options,
      clock: options.clock ?? systemClock,
      bootUs: options.bootUs ?? bootTimeUs,
      log: options.log ?? pino({ enabled: false }),
      random: options.random ?? Math.random,
    };
  }

  /** Who it is; null until it has joined. */
  get deviceId(): string | null {
    return this.#core?.membership?.deviceId ?? null;
  }

  get isOnline(): boolean {
    return this.#duty?.isOnline ?? false;
  }

  /** Its idea of media time at a moment of its monotonic clock; null while it doesn't know the hour. */
  mediaTimeAt(monotonicUs: number): MediaTime | null {
    return this.#core?.clock.toMediaTime(monotonicUs) ?? null;
  }

  /** Opens the disk and plays from it, then looks for its platform. */
  async start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Says goodbye, falls silent, leaves the disk in order. May be called twice, and while it is still starting. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    const core = await Core.open(this.#options, {
      onProof: (draft) => this.#duty?.proofs.take(draft),
      onChange: () => this.#duty?.changed(),
      onSlept: () => this.#duty?.askTimeAnew(),
    });
    this.#core = core;
    this.#joining = this.#makeJoinDesk(core);
    await core.load();
    if (core.membership !== null) this.#duty = this.#takeUpDuty(core, core.membership);
    await core.start();
    this.#life = this.#live(core);
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    // Whether it came up or not: whoever called start() is told, and what was opened until then is closed here.
    await Promise.allSettled([this.#starting]);
    await this.#life;
    await this.#duty?.closeLink();
    await this.#asking;
    await this.#core?.fallSilent();
    await this.#duty?.close();
    await this.#core?.close();
  }

  // What needs the platform, step by step; each step is tried until it works or the agent closes.
  async #live(core: Core): Promise<void> {
    const { log } = this.#options;
    try {
      if (core.membership === null) {
        await this.#untilDone(async (signal) => {
          const isTold = await this.#askTime(core, signal);
          if (!isTold) this.#joining?.sayUnreached();
          return isTold;
        });
        await this.#joining?.waitForAdmission(this.#ended.signal);
      }
      if (this.#ended.signal.aborted || core.membership === null) return;
      this.#duty ??= this.#takeUpDuty(core, core.membership);
      await this.#duty.start();
    } catch (error) {
      log.error({ err: error }, 'the agent cannot reach its platform, and plays what it holds');
    }
  }

  async #untilDone(step: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#ended;
    const backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS, random);
    while (!signal.aborted && !(await step(signal))) await pause(clock, backoff.nextMs(), signal);
  }

  #takeUpDuty(core: Core, membership: Membership): Duty {
    return new Duty({
      core,
      membership,
      askTime: (signal) => this.#askTime(core, signal),
      renew: async (signal) => {
        await this.#joining?.ask(signal);
      },
      askWhetherOver: () => this.#askWhetherOver(),
    });
  }

  // One question at a time, however often somebody gives reason for it.
  #askWhetherOver(): void {
    if (this.#ended.signal.aborted || this.#joining === null) return;
    this.#asking ??= this.#joining.ask(this.#ended.signal).finally(() => (this.#asking = null));
  }

  async #askTime(core: Core, signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#options;
    try {
      const sample = await askSignedTime({ platform: core.platform, trust: core.trust, clock, signal });
      const isTaken = core.takeSignedTime(sample);
      if (isTaken) this.#duty?.followStreams();
      else log.warn({ at: sample.t2 }, 'the signed time is older than what was known already');
      return isTaken;
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'no signed time yet');
      return false;
    }
  }

  #makeJoinDesk(core: Core): JoinDesk {
    const { clock, random, log, board, joinCode } = this.#options;
    const { identity, key, trust, platform } = core;
    const mediaNow = (): MediaTime | null => core.mediaNow();
    const voice = new Voice({ clips: readClips(), clock, play: (items) => core.playOwn(items) });
    return new JoinDesk({
      identity,
      key,
      trust,
      platform,
      voice,
      clock,
      random,
      log,
      board,
      mediaNow,
      givenCode: joinCode,
      isMember: () => core.membership !== null,
      onMember: (membership) => core.becomeMember(membership),
      onRetired: () => this.#forget(core),
    });
  }

  /** Falls silent for good. What it knows is removed at the next start, which is the owner's to make. */
  async #forget(core: Core): Promise<void> {
    const { log, dataFolder, onWiped } = this.#options;
    core.setRevoked(true);
    await markForWiping(dataFolder);
    log.warn('this receiver was taken out of service: it forgets everything and begins anew');
    onWiped?.();
  }
}
