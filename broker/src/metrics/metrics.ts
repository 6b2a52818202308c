import { brokerRoleSchema, type BrokerRole } from '@loalang/shared';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Dropped } from '../fanout/packet-queue.ts';
import type { LimitReason } from '../limits/bounds.ts';

/** Ids whose drops are told apart; of more than this the one longest without a drop is forgotten. */
const MAX_COUNTED_CLIENTS = 4096;

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
  readonly droppedByClient: Readonly<Record<string, number>>;
  readonly refusedSignIns: Readonly<Record<string, number>>;
  readonly replacedSessions: number;
  readonly limitsHit: Readonly<Record<string, number>>;
  readonly refusedPublishes: Readonly<Record<string, number>>;
  readonly refusedSubscriptions: number;
  readonly closedSlow: number;
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
  readonly #droppedByClient = new Map<string, number>();
  readonly #refusedSignIns = new Tally();
  readonly #limitsHit = new Tally();
  readonly #refusedPublishes = new Tally();
  readonly #dropped = new Tally();
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
    this.#dropped.add('expired', dropped.expired);
    this.#dropped.add('overflow', dropped.overflow);
    const before = this.#droppedByClient.get(clientId) ?? 0;
    this.#droppedByClient.delete(clientId);
    this.#droppedByClient.set(clientId, before + dropped.expired + dropped.overflow);
    const oldest = this.#droppedByClient.keys().next();
    if (this.#droppedByClient.size > MAX_COUNTED_CLIENTS && oldest.done !== true) {
      this.#droppedByClient.delete(oldest.value);
    }
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
      dropped: { expired: this.#dropped.of('expired'), overflow: this.#dropped.of('overflow') },
      droppedByClient: Object.fromEntries(this.#droppedByClient),
      refusedSignIns: this.#refusedSignIns.toRecord(),
      replacedSessions: this.#replacedSessions,
      limitsHit: this.#limitsHit.toRecord(),
      refusedPublishes: this.#refusedPublishes.toRecord(),
      refusedSubscriptions: this.#refusedSubscriptions,
      closedSlow: this.#limitsHit.of('waiting'),
    };
  }

  #exposeTallies(): void {
    const expose = (name: string, help: string, tally: Tally): void => {
      const counter: Counter<'reason'> = new Counter({
        name: `loalang_broker_${name}`,
        help,
        labelNames: ['reason'],
        registers: [this.#registry],
        collect: () => {
          counter.reset();
          for (const [reason, count] of Object.entries(tally.toRecord())) counter.inc({ reason }, count);
        },
      });
    };
    expose('sign_ins_refused_total', 'Sign-ins refused', this.#refusedSignIns);
    expose('limits_hit_total', 'Limits of docs/operations.md that somebody ran into', this.#limitsHit);
    expose('publishes_refused_total', 'Messages refused', this.#refusedPublishes);
    expose('stream_dropped_total', 'Stream packets dropped for slow subscribers', this.#dropped);
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
    expose('stream_queued_bytes', 'Bytes waiting for slow subscribers', queuedBytes);
    expose('unsent_bytes', 'Bytes that the kernel has not taken yet', unsentBytes);
    expose('held_failures', 'Failed sign-ins that wait for their answer', heldFailures);
    expose('retained_messages', 'Retained messages', () => retained().count);
    expose('retained_bytes', 'Bytes of retained messages with their topics', () => retained().bytes);
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
