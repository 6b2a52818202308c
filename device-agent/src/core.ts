// The part of a receiver that needs nobody: its disk, its clock, the playout and the sink. It plays what it holds.
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { priorityRank, type MediaTime, type Now, type Plan, type PlanItem } from '@loalang/shared';
import { createOpusDecoder } from '@loalang/shared/opus';
import { makeToken, TrustStore, type SigningKey } from '@loalang/shared/signing';
import {
  DeviceClock,
  RtcKeeper,
  SleepWatch,
  type ClockSample,
  type RtcReading,
  type Timer,
} from './clock/index.ts';
import { Amplifier } from './health/index.ts';
import { IdentityStore, type Membership } from './identity/index.ts';
import { Backoff, pause, PlatformHttp, StreamGate } from './link/index.ts';
import type { FullOptions } from './options.ts';
import { Playout, type PlayableItem, type Playing, type ProofDraft } from './playout/index.ts';
import { ProgressKeeper } from './proofs/index.ts';
import { AssetCache, heldNow, heldPlan, Ledger, type HeldMessage } from './store/index.ts';

/** How often the time is kept on disk: so much of it may be played twice after a power cut with a dead battery. */
const KEEP_TIME_MS = 60_000;
/** How often what is due is looked at while no sink pulls. */
const PASS_UNHEARD_EVERY_MS = 1_000;
const SINK_RETRY_FIRST_MS = 1_000;
const SINK_RETRY_MOST_MS = 30_000;
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
  readonly clock: DeviceClock;
  readonly plan: HeldMessage<Plan>;
  readonly now: HeldMessage<Now>;
  readonly playout: Playout;
  readonly cache: AssetCache;
  readonly amplifier: Amplifier;
  readonly gate = new StreamGate();
  membership: Membership | null;
  readonly #events: CoreEvents;
  readonly #progress: ProgressKeeper;
  readonly #rtc: RtcKeeper | null;
  readonly #sleep: SleepWatch;
  readonly #ended = new AbortController();
  #sinkWork: Promise<void> = Promise.resolve();
  #keepTimer: Timer | null = null;
  #unheardTimer: Timer | null = null;
  #isSounding = false;
  #hasSinkFailed = false;
  #isRtcDumb = false;
  #hasSignedTime = false;
  #isRevoked = false;

  private constructor(options: FullOptions, stored: Stored, events: CoreEvents) {
    const { clock, random, log, dataFolder } = options;
    this.options = options;
    this.key = stored.key;
    this.identity = stored.identity;
    this.ledger = stored.ledger;
    this.membership = stored.membership;
    this.#events = events;
    this.platform = new PlatformHttp(options.platformUrl);
    this.trust = new TrustStore(options.rootKey);
    this.clock = new DeviceClock({ kept: stored.ledger.time, isSounding: () => this.#isSounding });
    this.#rtc = this.#makeRtcKeeper();
    const { bootUs } = options;
    this.#sleep = new SleepWatch({ clock, bootUs, onSlept: (sleptUs) => this.#takeSleep(sleptUs) });
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
      onChange: events.onChange,
      ...(options.maxCacheBytes === undefined ? {} : { maxBytes: options.maxCacheBytes }),
    });
    this.playout = this.#makePlayout();
  }

  /** Reads what the disk holds. Nothing sounds yet. */
  static async open(options: FullOptions, events: CoreEvents): Promise<Core> {
    await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
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
    this.#rtc?.start();
    this.#sleep.start();
    // The first decoder has to load its library: not while something is due.
    (await createOpusDecoder()).close();
    await this.cache.start(this.plan.held?.items ?? []);
    this.applyNow();
    this.applyPlan();
    this.#sinkWork = this.#startSink();
    this.#keepTimeLater();
  }

  /** Stops the sink; proofs and progress of what sounded can still be taken. */
  async fallSilent(): Promise<void> {
    this.#ended.abort();
    this.#progress.close();
    await this.#sinkWork;
    await this.options.sink.close();
    this.#unheardTimer?.cancel();
    this.keepProgress();
    this.playout.close();
    this.#progress.close();
    this.amplifier.mute();
  }

  /** Leaves the disk in order. */
  async close(): Promise<void> {
    this.#keepTimer?.cancel();
    this.#sleep.close();
    await this.#rtc?.close();
    await this.cache.close();
    await this.#keepTime();
    await this.ledger.close();
  }

  mediaNow(): MediaTime | null {
    return this.clock.toMediaTime(this.options.clock.nowUs());
  }

  get hasSignedTime(): boolean {
    return this.#hasSignedTime;
  }

  get hasSinkFailed(): boolean {
    return this.#hasSinkFailed;
  }

  /** The battery-backed clock is dead, stands still, or was wrong at the start. */
  get hasRtcFailed(): boolean {
    return this.#isRtcDumb || this.clock.isRtcWrong;
  }

  get isSounding(): boolean {
    return this.#isSounding;
  }

  /** Takes nonce-bound exchanges. From the first that is believed on, what claims to be of now can be told from a replay. */
  takeTime(samples: readonly ClockSample[]): boolean {
    this.#sleep.look();
    const isTaken = this.clock.addBurst(samples, this.options.clock.nowUs());
    if (isTaken && !this.#hasSignedTime) {
      this.#hasSignedTime = true;
      this.applyNow();
      this.applyPlan();
      void this.#keepTime();
    }
    if (isTaken) this.#rtc?.look();
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

  /** Hands the held plan to the playout and the cache. */
  applyPlan(): void {
    const plan = this.plan.held;
    if (plan === null) return;
    const items = this.#isRevoked ? [] : plan.items;
    this.cache.want(items);
    this.playout.setAcousticOffset(plan.acousticOffsetMs);
    this.playout.setPlan(
      items.filter((item) => this.#maySound(item)).map((item) => this.#playable(item)),
      plan.policy,
    );
    this.#events.onChange();
  }

  /** Hands the held state of the moment to the playout. */
  applyNow(): void {
    const now = this.now.held;
    const streams = this.#isRevoked || !this.#hasSignedTime ? [] : (now?.streams ?? []);
    this.gate.announce(streams);
    this.playout.setNow({
      streams,
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
    for (const progress of this.playout.progress()) {
      void this.#keep(this.ledger.add({ ...progress, kind: 'progress' }), 'progress');
    }
  }

  // An old plan could bring an old emergency back; what is of now must have been shown to be of now.
  #maySound({ priority }: PlanItem): boolean {
    return this.#hasSignedTime || priorityRank(priority) < priorityRank('emergency');
  }

  #playable(item: PlanItem): PlayableItem {
    return { ...item, openAudio: () => this.cache.open(item.asset.sha256) };
  }

  #makePlayout(): Playout {
    return new Playout({
      createDecoder: createOpusDecoder,
      timeline: this.clock,
      alreadyProved: (broadcastId) => this.ledger.isProved(broadcastId),
      progressOf: (broadcastId) =>
        this.ledger.progress.find((each) => each.broadcastId === broadcastId) ?? null,
      onProof: (draft) => this.#takeProof(draft),
      onSounding: (playing) => this.#takeSounding(playing),
      onFault: (error) => this.options.log.error({ err: error }, 'the playout got over an error'),
    });
  }

  #takeProof(draft: ProofDraft): void {
    if (draft.reason === 'asset-corrupt') {
      const item = this.plan.held?.items.find(({ broadcastId }) => broadcastId === draft.broadcastId);
      if (item !== undefined) this.cache.distrust(item.asset.sha256);
    }
    this.#events.onProof(draft);
  }

  #takeSounding(playing: Playing | null): void {
    this.#isSounding = playing !== null;
    this.amplifier.sounding(playing);
    this.#progress.sounding(playing !== null);
    this.#events.onChange();
  }

  #takeSleep(sleptUs: number): void {
    this.options.log.warn({ sleptMs: Math.round(sleptUs / 1000) }, 'the board has slept');
    this.clock.slept(sleptUs, this.options.clock.nowUs());
    this.#rtc?.slept();
    this.#events.onSlept();
    this.#events.onChange();
  }

  #makeRtcKeeper(): RtcKeeper | null {
    const { board, clock, log } = this.options;
    if (board.rtc === null) return null;
    return new RtcKeeper({
      rtc: board.rtc,
      clock,
      known: this.ledger.time?.rtc ?? null,
      told: (monotonicUs) => this.clock.told(monotonicUs),
      onFirst: (reading) => this.#startFromRtc(reading),
      onLearnt: () => void this.#keepTime(),
      onRefused: (error) => log.warn({ err: error }, 'the battery-backed clock could not be set'),
    });
  }

  #startFromRtc(reading: RtcReading | null): void {
    const kept = this.ledger.time;
    this.#isRtcDumb = reading === null;
    if (reading !== null && kept !== null) this.clock.startFromRtc(kept, reading);
    if (this.hasRtcFailed) this.options.log.error('the battery-backed clock is not to be believed');
    this.#events.onChange();
  }

  // A card that is busy or gone must not keep the receiver from saying so.
  async #startSink(): Promise<void> {
    const { sink, clock, log, random } = this.options;
    const backoff = new Backoff(SINK_RETRY_FIRST_MS, SINK_RETRY_MOST_MS, random);
    let hasRefused = false;
    while (!this.#ended.signal.aborted) {
      try {
        await sink.start(
          (heardAtUs, out, pace) => this.playout.render(heardAtUs, out, pace),
          (failure) => this.#takeSinkHealth(failure),
        );
        // One that has begun may have told of its health already.
        if (hasRefused) this.#setSinkFailed(false);
        return;
      } catch (error) {
        log.error({ err: error, sink: sink.kind }, 'the sink did not start');
        hasRefused = true;
        this.#setSinkFailed(true);
        await pause(clock, backoff.nextMs(), this.#ended.signal);
      }
    }
  }

  #takeSinkHealth(failure: Error | null): void {
    const { log, sink } = this.options;
    if (failure === null) log.info({ sink: sink.kind }, 'the sink is back');
    else log.error({ err: failure, sink: sink.kind }, 'the sink has failed, and looks for its device again');
    this.#setSinkFailed(failure !== null);
  }

  #setSinkFailed(hasFailed: boolean): void {
    this.#hasSinkFailed = hasFailed;
    this.#unheardTimer?.cancel();
    this.#unheardTimer = null;
    if (hasFailed) this.#passUnheard();
    this.#events.onChange();
  }

  // Nobody pulls the playout now; what comes to its end meanwhile is proved all the same.
  #passUnheard(): void {
    const { clock } = this.options;
    this.playout.passUnheard(clock.nowUs());
    this.#unheardTimer = clock.after(PASS_UNHEARD_EVERY_MS, () => this.#passUnheard());
  }

  #keepTimeLater(): void {
    this.#keepTimer = this.options.clock.after(KEEP_TIME_MS, () => {
      void this.#keepTime();
      this.#keepTimeLater();
    });
  }

  async #keepTime(): Promise<void> {
    const nowUs = this.options.clock.nowUs();
    const media = this.mediaNow();
    const wallMs = media === null ? null : (this.#rtc?.atMs(nowUs, media) ?? null);
    const kept = this.clock.keep(nowUs, wallMs, this.#rtc?.drift);
    if (kept !== null) await this.#keep(this.ledger.add({ kind: 'time', ...kept }), 'time');
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
