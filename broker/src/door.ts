import { readPacketEnd, REPAIR_PREFIX_BYTES, REVOKED_TOPIC } from '@loalang/shared';
import { Aedes, type Client, type ConnectPacket, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { StreamEmitter } from './fanout/stream-emitter.ts';
import type { StreamTable } from './fanout/stream-table.ts';
import type { GuessBrake } from './identity/guess-brake.ts';
import type { RevokedList } from './identity/revoked-list.ts';
import type { Sessions } from './identity/sessions.ts';
import { SignInError } from './identity/sign-in-error.ts';
import type { SignIn, SignInRefusal } from './identity/sign-in.ts';
import { aedesBounds, limitBehind, waitingBytes, type BrokerLimits } from './limits/bounds.ts';
import type { Connections } from './limits/connections.ts';
import type { Metrics } from './metrics/metrics.ts';
import { shownId, shownTopic, type SparingLog } from './metrics/sparing-log.ts';
import type { RetainedStore } from './retained/retained-store.ts';
import {
  isRepairTopic,
  isStreamTopic,
  mayAddSubscription,
  mayReceive,
  objectionToPublish,
} from './rights/rights.ts';

/** What Aedes asks, and whom. */
export interface DoorParts {
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly revoked: RevokedList;
  readonly brake: GuessBrake;
  readonly connections: Connections;
  readonly retained: RetainedStore;
  readonly table: StreamTable;
  readonly metrics: Metrics;
  readonly limits: BrokerLimits;
  readonly clock: Clock;
  readonly log: Logger;
  /** For what a stranger can cause as often as it likes. */
  readonly sparingLog: SparingLog;
}

/** Refused, but for no doubt of who it is. */
const hasProved: ReadonlySet<SignInRefusal> = new Set(['list-unknown', 'will-not-allowed']);

/**
 * Aedes, unmodified, with its questions answered: who may come in, publish, subscribe and receive. It speaks MQTT and
 * hands out retained messages (`RetainedStore`); streams go past it (`StreamEmitter`).
 */
export class Door {
  readonly #parts: DoorParts;
  readonly #connects = new WeakMap<Client, ConnectPacket>();
  readonly #aedes: Aedes;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    this.#aedes = new Aedes({
      ...aedesBounds(parts.limits),
      mq: new StreamEmitter(parts.table),
      persistence: parts.retained,
      preConnect: (client, packet, done) => {
        // Nothing durable lives here: whoever asks for a lasting session gets a fresh one, which is what it would
        // get from any broker that has just started.
        packet.clean = true;
        this.#connects.set(client, packet);
        parts.connections.spoken(client.conn);
        done(null, true);
      },
      authenticate: (client, userName, password, done) => {
        void this.#authenticate(client, { userName, password }, done);
      },
      authorizePublish: (client, packet, done) => {
        const refusal = this.#judgePublish(client, packet);
        if (refusal !== null || packet.topic !== REVOKED_TOPIC) done(refusal);
        else void this.#takeRevokedList(packet, done);
      },
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.#maySubscribe(client, subscription) ? subscription : null),
      authorizeForward: (client, packet) => (this.#mayForward(client, packet) ? packet : null),
    });
    this.#listen();
  }

  async start(): Promise<void> {
    await this.#aedes.listen();
  }

  /** Takes a connection; it is Aedes' from here on. */
  handle(...incoming: Parameters<Aedes['handle']>): void {
    this.#aedes.handle(...incoming);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
  }

  async #authenticate(
    client: Client,
    login: { userName: string | undefined; password: Buffer | undefined },
    done: (refusal: SignInError | null, isAdmitted: boolean) => void,
  ): Promise<void> {
    const { signIn, sessions, connections } = this.#parts;
    const result = await signIn.check({
      clientId: client.id,
      credential: login.userName,
      token: login.password?.toString('utf8'),
      will: this.#connects.get(client)?.will,
    });
    if (!result.ok) return this.#refuse(client, result.reason, done);
    this.#tellOfReplaced(client);
    sessions.open(client, result);
    connections.admitted(client.conn, result.identity.role);
    done(null, true);
  }

  async #refuse(
    client: Client,
    reason: SignInRefusal,
    done: (refusal: SignInError, isAdmitted: boolean) => void,
  ): Promise<void> {
    const { brake, connections, metrics, sparingLog } = this.#parts;
    const address = connections.addressOf(client.conn);
    metrics.signInRefused(reason);
    sparingLog.info({ id: shownId(client.id), address, reason }, 'sign-in refused');
    const isAnswered =
      hasProved.has(reason) || (await brake.hold({ claimedId: client.id, address }, client.conn));
    if (isAnswered) {
      done(new SignInError(reason), false);
      return;
    }
    metrics.limitHit('guess-cut');
    client.conn.destroy();
  }

  /** On a bad network nothing special: the broker has not noticed yet that the first connection is dead. */
  #tellOfReplaced(client: Client): void {
    const { sessions, connections, metrics, log } = this.#parts;
    const former = sessions.online(client.id);
    if (former === null) return;
    metrics.sessionReplaced();
    const [before, after] = [former, client].map(({ conn }) => connections.addressOf(conn));
    log.info(
      { id: client.id, before, after },
      'a second sign-in of the same id takes the place of the first',
    );
  }

  /** An error closes the connection: MQTT 3.1.1 has no other way to refuse a message ([MQTT-3.3.5-2]). */
  #judgePublish(client: Client | null, packet: PublishPacket): Error | null {
    const { sessions, metrics, sparingLog } = this.#parts;
    const session = client === null ? null : sessions.of(client);
    const objection = session === null ? 'signed-out' : objectionToPublish(session.identity, packet);
    if (objection === null) return null;
    metrics.publishRefused(objection);
    const topic = shownTopic(packet.topic);
    sparingLog.warn({ id: client?.id, topic, objection }, 'publish refused');
    return new Error(`publish to ${topic} refused: ${objection}`);
  }

  async #takeRevokedList(packet: PublishPacket, done: (refusal: Error | null) => void): Promise<void> {
    const { revoked, clock, metrics, log } = this.#parts;
    const offer = await revoked.offer(packet.payload.toString(), clock.now());
    switch (offer.state) {
      case 'taken':
        this.throwOut();
        log.info({ revoked: offer.count }, 'list of revoked ids taken');
        return done(null);
      case 'held':
        // What is retained, and what subscribers get, is never older than what was there.
        packet.payload = offer.jws;
        return done(null);
      case 'refused':
        metrics.publishRefused('revoked-list');
        log.error({ reason: offer.reason }, 'list of revoked ids refused');
        return done(new Error(`the list of revoked ids is refused: ${offer.reason}`));
    }
  }

  /** Ends the sessions of those who have lost their rights. */
  throwOut(): void {
    for (const client of this.#parts.sessions.rightless()) {
      this.#parts.table.removeClient(client);
      client.close();
    }
  }

  #maySubscribe(client: Client, subscription: { topic: string; qos: number }): boolean {
    const session = this.#parts.sessions.of(client);
    if (session === null || !mayAddSubscription(session, subscription)) {
      this.#parts.metrics.subscriptionRefused();
      return false;
    }
    if (isStreamTopic(subscription.topic)) session.streams.add(subscription.topic);
    return true;
  }

  #mayForward(client: Client, { topic, payload }: PublishPacket): boolean {
    const session = this.#parts.sessions.of(client);
    if (session === null || !mayReceive(session.identity, topic)) return false;
    if (isRepairTopic(topic) && this.#mayDropRepair(client, payload)) return false;
    if (client.conn.writableLength <= waitingBytes[session.identity.role]) return true;
    if (!client.conn.destroyed) {
      this.#parts.metrics.limitHit('waiting');
      client.conn.destroy(new Error('too much waits for this connection'));
    }
    return false;
  }

  /**
   * Answers with packets don't wait in the table's queue, where they could be dropped once their time has passed. So they
   * are dropped here: those that come too late, and those that would stand in front of the stream of a connection that is
   * behind already. Its receiver asks again for what can then still be played.
   */
  #mayDropRepair(client: Client, payload: string | Buffer): boolean {
    const { clock, metrics, table } = this.#parts;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const endsAt = readPacketEnd(bytes.subarray(REPAIR_PREFIX_BYTES));
    const isExpired = endsAt === null || endsAt <= clock.now();
    const isBehind = client.conn.writableNeedDrain || table.isBehind(client);
    if (!isExpired && !isBehind) return false;
    metrics.dropped(client.id, { expired: isExpired ? 1 : 0, overflow: isExpired ? 0 : 1 });
    return true;
  }

  #listen(): void {
    const { sessions, table, metrics, log } = this.#parts;
    const aedes = this.#aedes;
    aedes.on('client', (client) => sessions.join(client)?.close());
    aedes.on('clientReady', (client) => {
      // Its id or key may have been revoked between its sign-in and now.
      if (sessions.of(client) === null) client.close();
    });
    aedes.on('clientDisconnect', (client) => {
      table.removeClient(client);
      sessions.leave(client);
    });
    aedes.on('subscribe', (subscriptions, client) => {
      if (client.closed) return;
      const granted = sessions.of(client)?.streams;
      for (const { topic } of subscriptions) if (granted?.has(topic) === true) table.add(topic, client);
    });
    aedes.on('unsubscribe', (topics, client) => {
      for (const topic of topics) {
        table.remove(topic, client);
        sessions.of(client)?.streams.delete(topic);
      }
    });
    const onBroken = (client: Client, error: Error): void => {
      const limit = limitBehind(error);
      if (limit !== null) metrics.limitHit(limit);
      log.debug({ id: shownId(client.id), reason: error.message }, 'connection broken');
    };
    aedes.on('clientError', onBroken);
    aedes.on('connectionError', onBroken);
    aedes.addListener('error', (error: unknown) => log.error({ err: error }, 'the broker failed'));
  }
}
