// What a receiver does for its platform once it has joined: keeps the link, takes what it is told, reports, proves.
import {
  streamTopic,
  toUnixMs,
  type Command,
  type CommandResult,
  type MediaTime,
  type RefusalReason,
} from '@loalang/shared';
import { signJws, writeSigningKey } from '@loalang/shared/signing';
import { ClockExchange, type ClockSample, type Timer } from './clock/index.ts';
import type { Core } from './core.ts';
import { StatusReporter } from './health/index.ts';
import { needsRenewal, type Membership } from './identity/index.ts';
import { BrokerLink, Inbox, Reception, Refusals, Search, type BrokerTls } from './link/index.ts';
import { ListenDesk } from './listen/index.ts';
import { LivePackets } from './live-packets.ts';
import type { ProofDraft } from './playout/index.ts';
import { draftBrokenOff, ProofDesk } from './proofs/index.ts';
import { buildStatus } from './status.ts';

/** From so long before an item on, the clock is looked after as if it were playing. */
const ABOUT_TO_PLAY_US = 300 * 1e6;

export interface DutyParts {
  readonly core: Core;
  readonly membership: Membership;
  /** Asks the platform for the signed time; false where that failed. */
  readonly askTime: (signal: AbortSignal) => Promise<boolean>;
  /** Asks again with the same key: that renews the credential, or tells that it is over. */
  readonly renew: (signal: AbortSignal) => Promise<void>;
  /** Asks who this board is, apart from any renewal; the answer may be that it is nobody's any more. */
  readonly askWhetherOver: () => void;
}

/** The receiver as a member of its platform. */
export class Duty {
  readonly proofs: ProofDesk;
  readonly #core: Core;
  readonly #parts: DutyParts;
  readonly #deviceId: string;
  readonly #link: BrokerLink;
  readonly #inbox: Inbox;
  readonly #reception: Reception;
  readonly #refusals: Refusals;
  readonly #exchange: ClockExchange;
  readonly #status: StatusReporter;
  readonly #listen: ListenDesk;
  readonly #packets: LivePackets;
  readonly #brokenOff: ReturnType<typeof draftBrokenOff>[];
  readonly #search = new Search();
  #statusSeq = 0;
  #isProofDiskFull = false;
  #mustAskTime = false;
  #mustRenew = false;
  #expiry: Timer | null = null;

  constructor(parts: DutyParts) {
    this.#parts = parts;
    this.#core = parts.core;
    this.#deviceId = parts.membership.deviceId;
    const { clock, random } = parts.core.options;
    this.#status = new StatusReporter(clock, () => this.#report());
    this.#refusals = new Refusals(() => this.changed());
    this.proofs = this.#makeProofDesk();
    this.#brokenOff = this.#findBrokenOff();
    this.#exchange = new ClockExchange({
      clock,
      random,
      send: (request) => this.#sendNow('clock/req', JSON.stringify(request)),
      onBurst: (samples) => this.#takeBurst(samples),
      isBusy: () => this.#isBusy(),
    });
    this.#listen = this.#makeListenDesk();
    this.#packets = new LivePackets({
      core: parts.core,
      refuse: (reason, what) => this.#refuse(reason, what),
      send: (channel, message) => this.#sendNow(channel, JSON.stringify(message)),
    });
    this.#reception = this.#makeReception();
    this.#inbox = this.#makeInbox();
    this.#link = this.#makeLink();
  }

  get isOnline(): boolean {
    return this.#link.isOnline;
  }

  async start(): Promise<void> {
    await this.#reception.learn(this.#core.now.held?.certificates ?? []);
    this.#link.start();
  }

  /** Says goodbye; nothing comes in or goes out any more. */
  async closeLink(): Promise<void> {
    this.#exchange.stop();
    this.#status.stop();
    await this.#listen.close();
    await this.#link.close();
    await this.#inbox.settled();
    // Only now: what came in until then may have begun something.
    this.#packets.close();
    this.#expiry?.cancel();
  }

  /** Puts the last proofs on the disk. */
  async close(): Promise<void> {
    await this.proofs.close();
  }

  /** Something that the status tells has changed. */
  changed(): void {
    this.#status.changed();
  }

  /** The board has slept: what is on the way spans the sleep, and what was learnt is of before. */
  askTimeAnew(): void {
    this.#exchange.startAnew();
  }

  /** Streams may be followed from the first signed time on. */
  followStreams(): void {
    this.#expiry?.cancel();
    const now = this.#core.mediaNow();
    const streams = this.#core.gate.current(now);
    this.#packets.follow(streams);
    this.#link.follow(streams.map(({ id }) => streamTopic(id)));
    if (now === null || streams.length === 0) return;
    const nextMs = Math.max(
      0,
      Math.min(...streams.map(({ expiresAt }) => toUnixMs(expiresAt) - toUnixMs(now))),
    );
    this.#expiry = this.#core.options.clock.after(nextMs + 1, () => this.followStreams());
  }

  #makeLink(): BrokerLink {
    const { clock, random, log, brokerUrl } = this.#core.options;
    return new BrokerLink({
      url: () => brokerUrl ?? (this.#core.membership ?? this.#parts.membership).brokerUrl,
      tls: () => this.#tls(),
      deviceId: this.#deviceId,
      clock,
      random,
      log,
      credentials: (signal) => this.#credentials(signal),
      onOnline: () => this.#online(),
      onOffline: () => this.#offline(),
      onMessage: (topic, payload) => this.#inbox.take(topic, payload),
      onRefused: () => {
        this.#mustAskTime = true;
        this.#mustRenew = true;
      },
    });
  }

  #tls(): BrokerTls {
    const { key, membership, options } = this.#core;
    return { ca: options.brokerCa, certificate: membership?.certificate, key: writeSigningKey(key) };
  }

  #makeProofDesk(): ProofDesk {
    const { ledger, key, options, amplifier } = this.#core;
    return new ProofDesk({
      ledger,
      key,
      deviceId: this.#deviceId,
      clock: options.clock,
      random: options.random,
      log: options.log,
      publish: (jws) => this.#link.publish('proof', jws, 1),
      meanAmplifierA: (broadcastId) => amplifier.meanA(broadcastId),
      onDiskFull: (isFull) => this.#setProofDiskFull(isFull),
    });
  }

  #makeReception(): Reception {
    const core = this.#core;
    return new Reception({
      deviceId: this.#deviceId,
      trust: core.trust,
      ledger: core.ledger,
      plan: core.plan,
      now: core.now,
      mediaNow: () => core.mediaNow(),
      hasSignedTime: () => core.hasSignedTime,
      onPlan: () => core.applyPlan(),
      onNow: () => this.#applyNow(),
      onCommand: (command) => this.#do(command),
      onAck: (ack) => this.proofs.acknowledge(ack),
      onClockReply: (reply, receivedUs) => this.#takeClockReply(reply, receivedUs),
      kid: core.key.kid,
      onRevoked: (isRevoked) => core.setRevoked(isRevoked),
    });
  }

  #makeInbox(): Inbox {
    const { clock, log } = this.#core.options;
    return new Inbox({
      deviceId: this.#deviceId,
      nowUs: () => clock.nowUs(),
      refuse: (reason) => this.#refusals.count(reason),
      onControl: async (message) => {
        const reason = await this.#reception.take(message);
        if (reason !== null) this.#refuse(reason, message.kind);
        else if (message.kind === 'now') this.#proveBrokenOff();
      },
      onAudio: (streamId, bytes) => this.#packets.take(streamId, bytes),
      onRepair: (bytes) => this.#packets.takeRepair(bytes),
      onFailure: (error, kind) => log.error({ err: error, kind }, 'a message could not be worked on'),
    });
  }

  #makeListenDesk(): ListenDesk {
    const { options, renderer, platform } = this.#core;
    return new ListenDesk({
      clock: options.clock,
      log: options.log,
      mediaNow: () => this.#core.mediaNow(),
      recent: (from, durationMs) => renderer.recent(from, durationMs),
      put: (id, audio, signal) => platform.putRecording(id, audio, () => this.#core.authorize(), signal),
      answer: (id, outcome, detail) => void this.#answer(id, outcome, detail),
    });
  }

  // The hour comes first: without it there is no token, and with a wrong one the broker refuses. It also refuses a credential
  // whose signer has been retired, which this receiver need not know of, or whose holder has left service: so a refused one is
  // renewed, and the platform says why where it gives none. One that does not answer at all may have moved, which the platform
  // tells along with the renewal.
  async #credentials(signal: AbortSignal): Promise<{ userName: string; password: string } | null> {
    if (!this.#core.hasSignedTime || this.#mustAskTime || this.#core.mediaNow() === null) {
      if (await this.#parts.askTime(signal)) this.#mustAskTime = false;
    }
    const now = this.#core.mediaNow();
    const { membership } = this.#core;
    if (now === null || membership === null) return null;
    if (this.#search.isInVain(this.#core.options.clock.nowUs())) this.#mustRenew = true;
    if (this.#mustRenew || (await needsRenewal(membership, this.#core.trust, now))) {
      await this.#parts.renew(signal);
      this.#mustRenew = false;
    }
    const current = this.#core.membership ?? membership;
    return { userName: current.credential, password: await this.#core.token(current) };
  }

  // What was lost is asked for first: it is worth something for a second or two, and on some brokers and many uplinks it would
  // stand behind all that follows.
  async #online(): Promise<void> {
    const { session } = this.#link;
    this.#search.found();
    this.followStreams();
    await this.#packets.online();
    if (!this.#link.isOnline || this.#link.session !== session) return;
    this.#exchange.start();
    this.#status.start();
    this.proofs.sendAll();
    this.#core.cache.look();
  }

  #offline(): void {
    this.#packets.offline();
    this.#exchange.stop();
    this.#status.stop();
  }

  #applyNow(): void {
    this.#core.applyNow();
    this.followStreams();
  }

  #takeBurst(samples: readonly ClockSample[]): void {
    this.#packets.learnRoundTrip(samples);
    this.#core.takeBurst(samples);
  }

  #takeClockReply(reply: Parameters<ClockExchange['take']>[0], receivedUs: number): RefusalReason | null {
    if (this.#core.clock.isBeforeFloor(reply.t2)) return 'stale';
    const verdict = this.#exchange.take(reply, receivedUs);
    return verdict === 'taken' ? null : verdict;
  }

  #do(command: Command): void {
    switch (command.act.kind) {
      case 'listen':
        this.#listen.take({ id: command.id, act: command.act });
        break;
      case 'wipe':
        this.#takeWipe(command.act.key);
        break;
    }
  }

  /**
   * A reason to ask, no more: whoever has stolen the key that signs commands, and a broker, could empty a whole province. Only
   * the platform itself, asked by HTTPS, ends a membership.
   */
  #takeWipe(key: string): void {
    if (key !== this.#core.key.public) return this.#refuse('wrong-device', 'wipe');
    this.#parts.askWhetherOver();
  }

  async #answer(id: string, outcome: CommandResult['outcome'], detail?: string): Promise<void> {
    const result: CommandResult = {
      type: 'command-result',
      device: this.#deviceId,
      id,
      outcome,
      ...(detail === undefined ? {} : { detail }),
    };
    await this.#link.publish('cmd/result', await signJws(result, this.#core.key), 1);
  }

  #refuse(reason: RefusalReason, what: string): void {
    this.#core.options.log.debug({ reason, what }, 'refused');
    this.#refusals.count(reason);
  }

  #sendNow(channel: 'clock/req' | 'lateness' | 'repair', payload: string): boolean {
    if (!this.#link.isOnline) return false;
    void this.#link.publish(channel, payload, 0);
    return true;
  }

  #report(): void {
    if (!this.#link.isOnline) return;
    this.#statusSeq += 1;
    const status = buildStatus(this.#core, {
      deviceId: this.#deviceId,
      session: this.#link.session,
      seq: this.#statusSeq,
      isProofDiskFull: this.#isProofDiskFull,
      refused: this.#refusals.toJSON(),
    });
    const sent = signJws(status, this.#core.key).then((jws) => this.#link.publish('status', jws, 1));
    sent.catch((error: unknown) => this.#core.options.log.error({ err: error }, 'no status could be made'));
  }

  #isBusy(): boolean {
    if (this.#core.isSounding || this.#core.gate.current(null).length > 0) return true;
    const now = this.#core.mediaNow();
    return now !== null && this.#startsSoon(now);
  }

  #startsSoon(now: MediaTime): boolean {
    const items = this.#core.plan.held?.items ?? [];
    return items.some(({ startAt }) => startAt >= now && startAt - now < ABOUT_TO_PLAY_US);
  }

  #setProofDiskFull(isFull: boolean): void {
    if (this.#isProofDiskFull === isFull) return;
    this.#isProofDiskFull = isFull;
    if (isFull) void this.#core.cache.freeRoom();
    this.changed();
  }

  #findBrokenOff(): ProofDraft[] {
    const items = this.#core.plan.held?.items ?? [];
    return this.#core.ledger.progress.map((progress) =>
      draftBrokenOff(
        progress,
        items.find(({ broadcastId }) => broadcastId === progress.broadcastId),
      ),
    );
  }

  // Only once the platform has said what is on air now: until then a stream or an item may still be taken up again.
  #proveBrokenOff(): void {
    const planned = new Set(this.#core.plan.held?.items.map(({ broadcastId }) => broadcastId));
    const onAir = new Set(this.#core.now.held?.streams.map(({ id }) => id));
    for (const draft of this.#brokenOff.splice(0)) {
      const { broadcastId } = draft;
      const isOver = !planned.has(broadcastId) && !onAir.has(broadcastId);
      if (isOver && !this.proofs.isProved(broadcastId)) this.proofs.take(draft);
    }
  }
}
