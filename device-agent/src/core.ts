// The part of a receiver that needs nobody: its disk, its clock and the renderer. It plays what it holds.
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { priorityRank, type MediaTime, type Now, type Plan, type PlanItem } from '@loalang/shared';
import { makeToken, TrustStore, type SigningKey } from '@loalang/shared/signing';
import type { ClockSample, DeviceClock, MediaLine, Timer } from './clock/index.ts';
import { Amplifier } from './health/index.ts';
import { IdentityStore, type Membership } from './identity/index.ts';
import { PlatformHttp, StreamGate } from './link/index.ts';
import type { FullOptions } from './options.ts';
import type { ProofDraft } from './playout/index.ts';
import { ProgressKeeper } from './proofs/index.ts';
import {
  LocalRenderer,
  ThreadRenderer,
  type Renderer,
  type RenderItem,
  type RenderReport,
} from './renderer/index.ts';
import { AssetCache, finishWiping, heldNow, heldPlan, Ledger, type HeldMessage } from './store/index.ts';
import { TimeKeeper } from './time-keeper.ts';
import { isOwnVoice } from './voice/index.ts';

/** How often the time is kept on disk: so much of it may be played twice after a power cut with a dead battery. */
const KEEP_TIME_MS = 60_000;
/** A card's drift is written again when it has changed by so much: within it the start is good, and the disk is spared. */
const CARD_NEWS_PPM = 2;
/** The board's own clock as media time: what it says by itself is timed by it. */
const OWN_LINE: MediaLine = { fromUs: 0, mediaUs: 0, driftPpm: 0, slewPpm: 0, slewUntilUs: 0 };
/** As installed, until somebody says otherwise. */
const INSTALLED_VOLUME = 100;

export interface CoreEvents {
  readonly onProof: (draft: ProofDraft) => void;
  /** Something that the status tells has changed. */
  readonly onChange: () => void;
  /** The board has slept; media time is only carried on until the platform tells it. */
  readonly onSlept: () => void;
}

interface Stored {
  readonly ledger: Ledger;
  readonly key: SigningKey;
  readonly identity: IdentityStore;
  readonly membership: Membership | null;
}

/** All that plays without a network. */
export class Core {
  readonly options: FullOptions;
  readonly key: SigningKey;
  readonly identity: IdentityStore;
  readonly ledger: Ledger;
  readonly platform: PlatformHttp;
  readonly trust: TrustStore;
  readonly plan: HeldMessage<Plan>;
  readonly now: HeldMessage<Now>;
  readonly renderer: Renderer;
  readonly cache: AssetCache;
  readonly amplifier: Amplifier;
  readonly gate = new StreamGate();
  #membership: Membership | null;
  #line: MediaLine | null = null;
  readonly #events: CoreEvents;
  readonly #progress: ProgressKeeper;
  readonly #time: TimeKeeper;
  #keepTimer: Timer | null = null;
  #told: RenderReport | null = null;
  #hasSignedTime = false;
  #isRevoked = false;

  private constructor(options: FullOptions, stored: Stored, events: CoreEvents) {
    const { clock, random, log, dataFolder } = options;
    this.options = options;
    this.key = stored.key;
    this.identity = stored.identity;
    this.ledger = stored.ledger;
    this.#membership = stored.membership;
    this.#events = events;
    this.platform = new PlatformHttp(options.platformUrl);
    this.trust = new TrustStore(options.rootKey);
    this.#time = new TimeKeeper({
      options,
      kept: stored.ledger.time,
      isSounding: () => this.isSounding,
      onLine: (line) => {
        this.#line = line;
        this.#giveLine();
      },
      onLearnt: () => void this.#keepTime(),
      ...events,
    });
    this.plan = heldPlan(dataFolder, this.trust, (error) => this.#diskRefused(error, 'plan'));
    this.now = heldNow(dataFolder, this.trust, (error) => this.#diskRefused(error, 'now'));
    this.amplifier = new Amplifier(options.board, clock, events.onChange);
    this.#progress = new ProgressKeeper(clock, () => this.keepProgress());
    this.cache = new AssetCache({
      folder: join(dataFolder, 'assets'),
      source: { platform: this.platform, authorize: () => this.authorize() },
      clock,
      random,
      log,
      mediaNow: () => this.mediaNow(),
      canFetch: () => this.membership !== null && this.mediaNow() !== null,
      onChange: () => {
        this.#givePlan();
        events.onChange();
      },
      ...(options.maxCacheBytes === undefined ? {} : { maxBytes: options.maxCacheBytes }),
    });
    this.renderer = this.#makeRenderer();
  }

  /** Reads what the disk holds. Nothing sounds yet. */
  static async open(options: FullOptions, events: CoreEvents): Promise<Core> {
    await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
    if (await finishWiping(options.dataFolder)) options.log.warn('everything was forgotten, as it was told');
    const identity = new IdentityStore(options.dataFolder);
    const key = await identity.ownKey();
    const membership = await identity.membership();
    const { ledger, cutBytes } = await Ledger.open(join(options.dataFolder, 'journal'));
    if (cutBytes > 0) options.log.warn({ cutBytes }, 'the journal had a torn tail, which was cut');
    return new Core(options, { ledger, key, identity, membership }, events);
  }

  /** Verifies what is held: the plan and the state of the moment. */
  async load(): Promise<void> {
    if (this.membership === null) return;
    await this.now.load(this.membership.deviceId);
    await this.plan.load(this.membership.deviceId);
  }

  /** Plays what is held, by the clock of the board until a better one is known. */
  async start(): Promise<void> {
    this.amplifier.mute();
    this.#time.start();
    await this.cache.start(this.plan.held?.items ?? []);
    this.#giveLine();
    this.applyNow();
    this.applyPlan();
    await this.renderer.start();
    this.#keepTimeLater();
  }

  /** Stops the sink; proofs and progress of what sounded can still be taken. */
  async fallSilent(): Promise<void> {
    this.#time.stopTelling();
    await this.renderer.close();
    this.keepProgress();
    this.#progress.close();
    this.amplifier.mute();
  }

  /** Leaves the disk in order. */
  async close(): Promise<void> {
    this.#keepTimer?.cancel();
    await this.#time.close();
    await this.cache.close();
    await this.#keepTime();
    await this.#keepCard();
    await this.ledger.close();
  }

  get membership(): Membership | null {
    return this.#membership;
  }

  /** From now on what sounds is the platform's, at its media time. */
  becomeMember(membership: Membership): void {
    this.#membership = membership;
    this.#giveLine();
  }

  get clock(): DeviceClock {
    return this.#time.clock;
  }

  mediaNow(): MediaTime | null {
    return this.#time.mediaNow();
  }

  get hasSignedTime(): boolean {
    return this.#hasSignedTime;
  }

  /** The battery-backed clock is dead, stands still, or was wrong at the start. */
  get hasRtcFailed(): boolean {
    return this.#time.hasRtcFailed;
  }

  get isSounding(): boolean {
    return this.renderer.report.playing !== null;
  }

  takeBurst(samples: readonly ClockSample[]): void {
    this.#afterTime(this.#time.takeBurst(samples));
  }

  /** False where it can't be believed. */
  takeSignedTime(sample: ClockSample): boolean {
    return this.#afterTime(this.#time.takeSignedTime(sample));
  }

  /** From the first nonce-bound answer that is believed on, what claims to be of now can be told from a replay. */
  #afterTime(isTaken: boolean): boolean {
    if (isTaken && !this.#hasSignedTime) {
      this.#hasSignedTime = true;
      this.applyNow();
      this.applyPlan();
      void this.#keepTime();
    }
    if (isTaken) this.#events.onChange();
    return isTaken;
  }

  /** A revoked receiver stays silent until a newer list leaves it out. */
  setRevoked(isRevoked: boolean): void {
    if (this.#isRevoked === isRevoked) return;
    this.#isRevoked = isRevoked;
    this.options.log.warn({ isRevoked }, 'the list of the revoked has changed for this receiver');
    this.applyNow();
    this.applyPlan();
  }

  /** Plays built-in sounds, and nothing else. Refused once the receiver belongs to somebody: then only what is signed sounds. */
  playOwn(items: readonly RenderItem[]): void {
    if (this.membership !== null) throw new Error('a member sounds nothing by itself');
    const policy = { utcOffsetMinutes: 0, quietHours: [] };
    this.renderer.setPlan({ items, policy, acousticOffsetMs: 0 });
  }

  /** Hands the held plan to the renderer and the cache. */
  applyPlan(): void {
    if (this.plan.held === null) return;
    this.cache.want(this.#wantedItems());
    this.#givePlan();
    this.#events.onChange();
  }

  /** Hands the held state of the moment to the renderer. */
  applyNow(): void {
    const now = this.now.held;
    const streams = this.#isRevoked || !this.#hasSignedTime ? [] : (now?.streams ?? []);
    this.gate.announce(streams);
    this.renderer.setNow({
      streams: streams.filter(({ id }) => !this.ledger.isProved(id)),
      stopped: now?.stopped ?? [],
      volume: now?.volume ?? INSTALLED_VOLUME,
      isMuted: now?.isMuted ?? false,
    });
    this.#events.onChange();
  }

  /** `LoaLang <credential> <token>`, for the platform's routes. */
  async authorize(): Promise<string> {
    const { membership } = this;
    if (membership === null) throw new Error('the receiver has not joined yet');
    return `LoaLang ${membership.credential} ${await this.token(membership)}`;
  }

  /** A fresh token for the broker's name. */
  async token({ deviceId, brokerName }: Membership): Promise<string> {
    const now = this.mediaNow();
    if (now === null) throw new Error('the hour is not known yet');
    return makeToken(this.key, { id: deviceId, audience: brokerName, now });
  }

  /** Keeps how far what sounds has come. */
  keepProgress(): void {
    for (const progress of this.renderer.report.progress) {
      if (isOwnVoice(progress.broadcastId)) continue;
      void this.#keep(this.ledger.add({ ...progress, kind: 'progress' }), 'progress');
    }
  }

  // An old plan could bring an old emergency back; what is of now must have been shown to be of now.
  #maySound({ priority }: PlanItem): boolean {
    return this.#hasSignedTime || priorityRank(priority) < priorityRank('emergency');
  }

  // A board that belongs to nobody may not know the hour yet, and has something to say all the same.
  #giveLine(): void {
    this.renderer.setTimeline(this.#membership === null ? OWN_LINE : this.#line);
  }

  #wantedItems(): readonly PlanItem[] {
    return this.#isRevoked ? [] : (this.plan.held?.items ?? []);
  }

  #givePlan(): void {
    const plan = this.plan.held;
    if (plan === null) return;
    const items = this.#wantedItems()
      .filter((item) => this.#maySound(item) && !this.ledger.isProved(item.broadcastId))
      .map((item) => ({ ...item, audio: this.cache.find(item.asset.sha256) }));
    this.renderer.setPlan({ items, policy: plan.policy, acousticOffsetMs: plan.acousticOffsetMs });
  }

  // A sink that is an object can only be played here; one by its settings is opened in a thread of its own.
  #makeRenderer(): Renderer {
    const { sink, clock, random, log } = this.options;
    const around = {
      clock,
      random,
      progress: this.ledger.progress,
      events: {
        onProof: (draft: ProofDraft) => this.#takeProof(draft),
        onReport: () => this.#takeReport(this.renderer.report),
        onFault: (error: unknown) => log.error({ err: error }, 'the renderer got over an error'),
      },
    };
    if ('start' in sink) return new LocalRenderer({ ...around, sink });
    const driftPpm = sink.kind === 'alsa' ? this.ledger.cardDriftPpm(sink.device) : null;
    return new ThreadRenderer({ ...around, sink: sink.kind === 'alsa' ? { ...sink, driftPpm } : sink });
  }

  #takeProof(draft: ProofDraft): void {
    if (isOwnVoice(draft.broadcastId)) return;
    if (draft.reason === 'asset-corrupt') {
      const item = this.plan.held?.items.find(({ broadcastId }) => broadcastId === draft.broadcastId);
      if (item !== undefined) this.cache.distrust(item.asset.sha256);
    }
    this.#events.onProof(draft);
  }

  #takeReport(report: RenderReport): void {
    const before = this.#told;
    this.#told = report;
    if (before?.playing?.broadcastId !== report.playing?.broadcastId) {
      this.amplifier.sounding(report.playing);
      this.#progress.sounding(report.playing !== null);
    }
    this.#logSink(before, report);
    this.#events.onChange();
  }

  #logSink(before: RenderReport | null, { sinkFailure, isRealTime }: RenderReport): void {
    const { log, sink } = this.options;
    const failedBefore = before?.sinkFailure ?? null;
    if (sinkFailure !== null && failedBefore === null) {
      log.error({ sink: sink.kind, sinkFailure }, 'the sink has failed, and is looked for again');
    }
    if (sinkFailure === null && failedBefore !== null) log.info({ sink: sink.kind }, 'the sink is back');
    if (isRealTime === false && before?.isRealTime !== false) {
      log.warn('no real-time priority (it needs CAP_SYS_NICE): a busy board may click');
    }
  }

  #keepTimeLater(): void {
    this.#keepTimer = this.options.clock.after(KEEP_TIME_MS, () => {
      void this.#keepTime();
      void this.#keepCard();
      this.#keepTimeLater();
    });
  }

  async #keepTime(): Promise<void> {
    const kept = this.#time.keep();
    if (kept !== null) await this.#keep(this.ledger.add({ kind: 'time', ...kept }), 'time');
  }

  async #keepCard(): Promise<void> {
    const { sink } = this.options;
    const { cardDriftPpm: driftPpm } = this.renderer.report;
    if ('start' in sink || sink.kind !== 'alsa' || driftPpm === null) return;
    const name = sink.device;
    const isNews = Math.abs((this.ledger.cardDriftPpm(name) ?? Infinity) - driftPpm) > CARD_NEWS_PPM;
    if (isNews) await this.#keep(this.ledger.add({ kind: 'card', name, driftPpm }), 'card');
  }

  #diskRefused(error: unknown, what: string): void {
    this.options.log.error({ err: error, what }, 'could not be kept: it counts until the power goes');
    void this.cache.freeRoom();
  }

  // These are written again a little later: a disk that is full now costs seconds of memory, and nothing else.
  #keep(writing: Promise<void>, what: string): Promise<void> {
    return writing.catch((error: unknown) =>
      this.options.log.warn({ err: error, what }, 'could not be kept'),
    );
  }
}
