import { brokerRoleSchema, type BrokerRole } from '@loalang/shared';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Dropped } from '../fanout/packet-queue.ts';
import type { LimitReason } from '../limits/bounds.ts';
import { writerNames } from '../fanout/writer.ts';
import type { WriterState } from '../fanout/writers.ts';
import { DropAccount } from './drop-account.ts';

/** Bounds of the counts of late packets, in seconds: from a quick loop to longer than anything can be heard. */
const LATENESS_S = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1, 3, 10];

/** What the broker reads off itself when it is asked. */
export interface Readings {
  readonly sessions: (role: BrokerRole) => number;
  readonly connections: () => number;
  /** Stream packets that the table still holds back. */
  readonly queuedBytes: () => number;
  /** What connections were given and the kernel has not taken. */
  readonly unsentBytes: () => number;
  /** Failed sign-ins that wait for their answer. */
  readonly heldFailures: () => number;
  readonly retained: () => { readonly count: number; readonly bytes: number };
  readonly writer: () => WriterState;
}

/** Everything that is counted, at one moment. */
export interface BrokerSnapshot {
  readonly sessions: Readonly<Record<BrokerRole, number>>;
  readonly connections: number;
  readonly queuedBytes: number;
  readonly unsentBytes: number;
  readonly heldFailures: number;
  readonly retained: { readonly count: number; readonly bytes: number };
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly delivered: { readonly packets: number; readonly bytes: number };
  readonly dropped: Dropped;
  readonly droppedByClient: Readonly<Record<string, Dropped>>;
  readonly refusedSignIns: Readonly<Record<string, number>>;
  readonly replacedSessions: number;
  readonly limitsHit: Readonly<Record<string, number>>;
  readonly refusedPublishes: Readonly<Record<string, number>>;
  readonly refusedSubscriptions: number;
  readonly closedSlow: number;
  readonly writer: WriterState;
}

/** Plain numbers, since they are counted at every packet; Prometheus reads them when it asks. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(reason: string, count = 1): void {
    if (count > 0) this.#counts.set(reason, this.of(reason) + count);
  }

  of(reason: string): number {
    return this.#counts.get(reason) ?? 0;
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** Counts, for Prometheus and for whoever holds the broker. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #readings: Readings;
  readonly #refusedSignIns = new Tally();
  readonly #limitsHit = new Tally();
  readonly #refusedPublishes = new Tally();
  readonly #dropped = new DropAccount();
  readonly #lateness = new Histogram({
    name: 'loalang_broker_stream_lateness_seconds',
    help: 'Time that stream packets were in the broker: until the last subscriber that was not behind had one (a count a packet), and until one that was behind had it (a count each)',
    labelNames: ['reason'],
    buckets: LATENESS_S,
    registers: [this.#registry],
  });
  #refusedSubscriptions = 0;
  #replacedSessions = 0;
  #deliveredPackets = 0;
  #deliveredBytes = 0;
  #receivedPackets = 0;
  #receivedBytes = 0;

  constructor(readings: Readings) {
    this.#readings = readings;
    this.#exposeTallies();
    this.#exposeCounts();
    this.#exposeReadings();
  }

  signInRefused(reason: string): void {
    this.#refusedSignIns.add(reason);
  }

  /** A second sign-in took the place of a session of the same id. */
  sessionReplaced(): void {
    this.#replacedSessions += 1;
  }

  limitHit(reason: LimitReason): void {
    this.#limitsHit.add(reason);
  }

  publishRefused(reason: string): void {
    this.#refusedPublishes.add(reason);
  }

  subscriptionRefused(): void {
    this.#refusedSubscriptions += 1;
  }

  received(packets: number, bytes: number): void {
    this.#receivedPackets += packets;
    this.#receivedBytes += bytes;
  }

  delivered(packets: number, bytes: number): void {
    this.#deliveredPackets += packets;
    this.#deliveredBytes += bytes;
  }

  dropped(clientId: string, dropped: Dropped): void {
    this.#dropped.note(clientId, dropped);
  }

  waited(forMs: number): void {
    this.#lateness.observe({ reason: 'behind' }, forMs / 1000);
  }

  spread(forMs: number): void {
    this.#lateness.observe({ reason: 'fan-out' }, forMs / 1000);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  snapshot(): BrokerSnapshot {
    const { sessions, connections, queuedBytes, unsentBytes, heldFailures, retained } = this.#readings;
    return {
      sessions: { device: sessions('device'), platform: sessions('platform'), time: sessions('time') },
      connections: connections(),
      queuedBytes: queuedBytes(),
      unsentBytes: unsentBytes(),
      heldFailures: heldFailures(),
      retained: retained(),
      receivedPackets: this.#receivedPackets,
      receivedBytes: this.#receivedBytes,
      delivered: { packets: this.#deliveredPackets, bytes: this.#deliveredBytes },
      dropped: this.#dropped.total,
      droppedByClient: this.#dropped.byClient(),
      refusedSignIns: this.#refusedSignIns.toRecord(),
      replacedSessions: this.#replacedSessions,
      limitsHit: this.#limitsHit.toRecord(),
      refusedPublishes: this.#refusedPublishes.toRecord(),
      refusedSubscriptions: this.#refusedSubscriptions,
      closedSlow: this.#limitsHit.of('waiting'),
      writer: this.#readings.writer(),
    };
  }

  #exposeTallies(): void {
    const expose = (name: string, help: string, read: () => Record<string, number>): void => {
      const counter: Counter<'reason'> = new Counter({
        name: `loalang_broker_${name}`,
        help,
        labelNames: ['reason'],
        registers: [this.#registry],
        collect: () => {
          counter.reset();
          for (const [reason, count] of Object.entries(read())) counter.inc({ reason }, count);
        },
      });
    };
    expose('sign_ins_refused_total', 'Sign-ins refused', () => this.#refusedSignIns.toRecord());
    expose('limits_hit_total', 'Limits of docs/operations.md that somebody ran into', () =>
      this.#limitsHit.toRecord(),
    );
    expose('publishes_refused_total', 'Messages refused', () => this.#refusedPublishes.toRecord());
    expose('stream_dropped_total', 'Stream packets dropped for slow subscribers', () => ({
      ...this.#dropped.total,
    }));
  }

  #exposeCounts(): void {
    const expose = (name: string, help: string, read: () => number): void => {
      const counter: Counter = new Counter({
        name: `loalang_broker_${name}`,
        help,
        registers: [this.#registry],
        collect: () => {
          counter.reset();
          counter.inc(read());
        },
      });
    };
    expose('stream_delivered_total', 'Stream packets written', () => this.#deliveredPackets);
    expose('stream_delivered_bytes_total', 'Bytes of stream packets written', () => this.#deliveredBytes);
    expose('received_packets_total', 'Packets read from all connections', () => this.#receivedPackets);
    expose('received_bytes_total', 'Bytes read from all connections', () => this.#receivedBytes);
    expose(
      'sessions_replaced_total',
      'Sessions that a second sign-in of the same id ended',
      () => this.#replacedSessions,
    );
    expose('subscriptions_refused_total', 'Subscriptions refused', () => this.#refusedSubscriptions);
  }

  #exposeReadings(): void {
    const { sessions, connections, queuedBytes, unsentBytes, heldFailures, retained } = this.#readings;
    const expose = (name: string, help: string, read: () => number): void => {
      const gauge: Gauge = new Gauge({
        name: `loalang_broker_${name}`,
        help,
        registers: [this.#registry],
        collect: () => {
          gauge.set(read());
        },
      });
    };
    expose('connections', 'Open connections, signed in or not', connections);
    expose('stream_dropped_receivers', 'Receivers that missed stream packets', () => this.#dropped.clients);
    expose('stream_queued_bytes', 'Bytes waiting for slow subscribers', queuedBytes);
    expose('unsent_bytes', 'Bytes that the kernel has not taken yet', unsentBytes);
    expose('held_failures', 'Failed sign-ins that wait for their answer', heldFailures);
    expose('retained_messages', 'Retained messages', () => retained().count);
    expose('retained_bytes', 'Bytes of retained messages with their topics', () => retained().bytes);
    expose('unsent_bounded', 'Whether the send buffers of the kernel are bounded', () =>
      Number(this.#readings.writer().isUnsentBounded),
    );
    const writing: Gauge<'writer'> = new Gauge({
      name: 'loalang_broker_writer',
      help: 'How stream packets are written to plain TCP',
      labelNames: ['writer'],
      registers: [this.#registry],
      collect: () => {
        for (const writer of writerNames)
          writing.set({ writer }, Number(this.#readings.writer().writer === writer));
      },
    });
    const signedIn: Gauge<'role'> = new Gauge({
      name: 'loalang_broker_sessions',
      help: 'Who is signed in',
      labelNames: ['role'],
      registers: [this.#registry],
      collect: () => {
        for (const role of brokerRoleSchema.options) signedIn.set({ role }, sessions(role));
      },
    });
  }
}
