import { performance } from 'node:perf_hooks';
import { TrustStore, UsedTokens } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import { Door } from './door.ts';
import { StreamTable } from './fanout/stream-table.ts';
import { GuessBrake } from './identity/guess-brake.ts';
import { Writers, type WriterChoice } from './fanout/writers.ts';
import { RevokedList } from './identity/revoked-list.ts';
import { Sessions } from './identity/sessions.ts';
import { SignIn } from './identity/sign-in.ts';
import { defaultLimits, type BrokerLimits } from './limits/bounds.ts';
import { Connections } from './limits/connections.ts';
import type { CertificateFiles } from './listeners/certificate-pair.ts';
import type { Incoming, ListenerSettings } from './listeners/listener.ts';
import { Listeners, type OpenListener } from './listeners/listeners.ts';
import { Metrics, type BrokerSnapshot } from './metrics/metrics.ts';
import { SparingLog } from './metrics/sparing-log.ts';
import { RetainedStore } from './retained/retained-store.ts';

export interface BrokerOptions {
  /** The platform's public root key (32 bytes, base64url): all that the broker needs to know. */
  readonly rootKey: string;
  /** Its name: the audience that tokens must mean. */
  readonly name: string;
  /** Plain MQTT, for this machine. */
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  /** Further places to listen at. */
  readonly listeners?: readonly ListenerSettings[];
  /** Needed where one of them speaks TLS. */
  readonly certificate?: CertificateFiles;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<BrokerLimits>;
  /** How stream packets are written to plain TCP. */
  readonly writer?: WriterChoice;
}

/** One a second; whoever needs more is broken or attacking. */
const SIGN_INS_IN_TWO_MINUTES = 120;
/** How long `close` waits for farewells (last wills), and then for connections to be gone. */
const CLOSE_MS = 2_000;

/** The one door: MQTT 3.1.1 for the platform and the receivers. Holds nothing that must survive it. */
export class Broker {
  readonly #log: Logger;
  readonly #connections: Connections;
  readonly #revoked: RevokedList;
  readonly #writers: Writers;
  readonly #table: StreamTable;
  readonly #metrics: Metrics;
  readonly #door: Door;
  readonly #listeners: Listeners;
  #isListening = false;
  #closing: Promise<void> | null = null;

  constructor(options: BrokerOptions) {
    const clock = options.clock ?? systemClock;
    const limits = { ...defaultLimits, ...options.limits };
    const trust = new TrustStore(options.rootKey, () => setImmediate(() => this.#door.throwOut()));
    const revoked = new RevokedList(trust);
    this.#revoked = revoked;
    const sessions = new Sessions(trust, revoked, clock);
    const usedTokens = new UsedTokens({ maxPerId: SIGN_INS_IN_TWO_MINUTES });
    const nowMs = (): number => performance.now();
    const brake = new GuessBrake(limits, nowMs);
    const sparingLog = new SparingLog(options.log, nowMs);
    const retained = new RetainedStore(limits, () => {
      this.#metrics.limitHit('retained-full');
      sparingLog.warn(
        { messages: retained.count, bytes: retained.bytes },
        'a message finds no room to be retained',
      );
    });
    this.#log = options.log;
    this.#writers = new Writers(options.writer ?? 'auto');
    this.#metrics = new Metrics({
      sessions: (role) => sessions.count(role),
      connections: () => this.#connections.total,
      queuedBytes: () => this.#table.queuedBytes,
      unsentBytes: () => this.#connections.unsentBytes,
      heldFailures: () => brake.held,
      retained: () => ({ count: retained.count, bytes: retained.bytes }),
      writer: () => this.#writers.state,
    });
    this.#connections = new Connections({
      limits,
      nowMs,
      metrics: this.#metrics,
      handle: (stream) => this.#door.handle(stream),
    });
    this.#table = new StreamTable({ clock, tally: this.#metrics }, this.#writers);
    this.#door = new Door({
      signIn: new SignIn({ trust, audience: options.name, clock, usedTokens, revoked }),
      sessions,
      revoked,
      brake,
      connections: this.#connections,
      retained,
      table: this.#table,
      metrics: this.#metrics,
      limits,
      clock,
      log: options.log,
      sparingLog,
    });
    this.#listeners = this.#makeListeners(options, limits);
  }

  /** Resolves once connections are taken, with the port of plain MQTT and all places where it listens, that first. */
  async start(): Promise<{ port: number; listeners: readonly OpenListener[] }> {
    await this.#door.start();
    try {
      const writer = await this.#writers.start();
      const listeners = await this.#listeners.start();
      this.#connections.start();
      this.#isListening = true;
      this.#log.info({ listeners, ...writer }, 'broker ready');
      return { port: listeners[0].port, listeners };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends every connection and stops listening. May be called twice. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    await this.#closing;
  }

  /** Are receivers let in? */
  get isReady(): boolean {
    return this.#isListening && this.#closing === null && this.#revoked.isKnown;
  }

  /** Looks whether the files of the certificate have changed, without waiting for the next time. */
  async reloadCertificate(): Promise<void> {
    await this.#listeners.reloadCertificate();
  }

  /** All counts at this moment. */
  snapshot(): BrokerSnapshot {
    return this.#metrics.snapshot();
  }

  /** All counts in the text format of Prometheus. */
  async metricsText(): Promise<string> {
    return this.#metrics.text();
  }

  #makeListeners(options: BrokerOptions, limits: BrokerLimits): Listeners {
    const { host, port, listeners = [], certificate = null, log } = options;
    return new Listeners({
      settings: [{ transport: 'tcp', isTls: false, host, port, proxies: [] }, ...listeners],
      certificate,
      gate: {
        admit: (socket, address) => this.#connections.admit(socket, address),
        refused: (objection) => this.#metrics.limitHit(objection),
        enter: (incoming) => this.#enter(incoming),
      },
      bounds: { handshakeMs: limits.signInMs, handshakes: limits.connections },
      log,
    });
  }

  #enter(incoming: Incoming): void {
    const { stream, socket, transport } = incoming;
    this.#writers.bound(socket);
    if (transport === 'tcp') this.#writers.allowDirect(stream);
    this.#connections.enter(incoming);
  }

  async #closeAll(): Promise<void> {
    this.#connections.turnAway();
    await this.#listeners.close();
    await within(CLOSE_MS, this.#door.close());
    await within(CLOSE_MS, this.#connections.close());
  }
}

/** Waits for what should not take long, and no longer than that. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
