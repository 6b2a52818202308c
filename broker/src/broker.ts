import type { Duplex } from 'node:stream';
import { TrustStore, UsedTokens } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import { Door } from './door.ts';
import { StreamTable } from './fanout/stream-table.ts';
import { RevokedList } from './identity/revoked-list.ts';
import { Sessions } from './identity/sessions.ts';
import { SignIn } from './identity/sign-in.ts';
import { defaultLimits, packetBytes, type BrokerLimits } from './limits/bounds.ts';
import { ConnectionCount } from './limits/connection-count.ts';
import { PacketMeter } from './limits/packet-meter.ts';
import { gateReads } from './limits/read-gate.ts';
import type { Incoming, Listener } from './listeners/listener.ts';
import { TcpListener } from './listeners/tcp.ts';
import { Metrics, type BrokerSnapshot } from './metrics/metrics.ts';

export interface BrokerOptions {
  /** The platform's public root key (32 bytes, base64url): all that the broker needs to know. */
  readonly rootKey: string;
  /** Its name: the audience that tokens must mean. */
  readonly name: string;
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<BrokerLimits>;
}

/** One a second; whoever needs more is broken or attacking. */
const SIGN_INS_IN_TWO_MINUTES = 120;
/** How long `close` waits for farewells (last wills), and then for connections to be gone. */
const CLOSE_MS = 2_000;

/** The one door: MQTT 3.1.1 for the platform and the receivers. Holds nothing that must survive it. */
export class Broker {
  readonly #log: Logger;
  readonly #connectionCount: ConnectionCount;
  readonly #table: StreamTable;
  readonly #metrics: Metrics;
  readonly #door: Door;
  readonly #listener: Listener;
  readonly #meters = new WeakMap<Duplex, PacketMeter>();
  readonly #streams = new Set<Duplex>();
  #closing: Promise<void> | null = null;

  constructor(options: BrokerOptions) {
    const clock = options.clock ?? systemClock;
    const limits = { ...defaultLimits, ...options.limits };
    const trust = new TrustStore(options.rootKey, () => setImmediate(() => this.#door.throwOut()));
    const revoked = new RevokedList(trust);
    const sessions = new Sessions(trust, revoked, clock);
    const usedTokens = new UsedTokens({ maxPerId: SIGN_INS_IN_TWO_MINUTES });
    this.#log = options.log;
    this.#connectionCount = new ConnectionCount(limits);
    this.#metrics = new Metrics({
      sessions: (role) => sessions.count(role),
      connections: () => this.#connectionCount.total,
      queuedBytes: () => this.#table.queuedBytes,
      unsentBytes: () => this.#unsentBytes(),
    });
    this.#table = new StreamTable(clock, this.#metrics);
    this.#door = new Door({
      signIn: new SignIn({ trust, audience: options.name, clock, usedTokens, revoked }),
      sessions,
      revoked,
      table: this.#table,
      metrics: this.#metrics,
      limits,
      clock,
      log: options.log,
      onAdmitted: (client, role) => this.#meters.get(client.conn)?.allow(packetBytes[role]),
    });
    this.#listener = new TcpListener(options, (incoming) => this.#accept(incoming));
  }

  /** Resolves once connections are taken, with the port. */
  async start(): Promise<{ port: number }> {
    await this.#door.start();
    try {
      const port = await this.#listener.start();
      this.#log.info({ port }, 'broker ready');
      return { port };
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

  /** All counts at this moment. */
  snapshot(): BrokerSnapshot {
    return this.#metrics.snapshot();
  }

  /** All counts in the text format of Prometheus. */
  async metricsText(): Promise<string> {
    return this.#metrics.text();
  }

  #accept({ stream, address }: Incoming): void {
    const admission = this.#closing === null ? this.#connectionCount.admit(address) : 'closing';
    if (admission !== 'admitted') {
      this.#metrics.connectionRefused(admission);
      stream.on('error', () => stream.destroy());
      stream.destroy();
      return;
    }
    this.#streams.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#connectionCount.release(address);
    });
    this.#guard(stream);
    this.#door.handle(stream);
  }

  #guard(stream: Duplex): void {
    const meter = new PacketMeter();
    this.#meters.set(stream, meter);
    gateReads(stream, (bytes) => {
      this.#metrics.received(bytes.byteLength);
      const objection = meter.take(bytes);
      if (objection === null) return null;
      this.#metrics.connectionRefused(objection);
      return new Error(`packet refused: ${objection}`);
    });
  }

  #unsentBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams) bytes += stream.writableLength;
    return bytes;
  }

  async #closeAll(): Promise<void> {
    await this.#listener.close();
    await within(CLOSE_MS, this.#door.close());
    await within(CLOSE_MS, this.#cutAll());
  }

  async #cutAll(): Promise<void> {
    const cuts = [...this.#streams].map(
      async (stream) =>
        new Promise<void>((resolve) => {
          stream.once('close', resolve).destroy();
        }),
    );
    await Promise.all(cuts);
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
