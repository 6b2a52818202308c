import { setImmediate as nextTurn } from 'node:timers/promises';
import { MqttClient, type IClientOptions } from 'mqtt';
import {
  deviceTopic,
  readBrokerUrl,
  REVOKED_TOPIC,
  type BrokerAddress,
  type DeviceChannel,
  type Presence,
} from '@loalang/shared';
import { makeNonce } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { MonotonicClock } from '../clock/index.ts';
import { Backoff, pause } from './backoff.ts';
import { openBrokerSocket, type BrokerTls } from './broker-socket.ts';
import { Reconnect } from './reconnect.ts';

const KEEPALIVE_S = 20;
const CONNECT_WITHIN_MS = 10_000;
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MOST_MS = 15_000;
/** At close: so long the broker may take to say that it has the last word. */
const FAREWELL_MS = 500;
/** Publishes waiting for the broker's word. Full: further ones fail, and whoever publishes tries again. */
const MAX_IN_FLIGHT = 64;

export interface Credentials {
  readonly userName: string;
  readonly password: string;
}

export interface BrokerLinkOptions {
  /** One address, or those of a cluster with commas between. Asked for each attempt: the broker may move. */
  readonly url: () => string;
  /** Asked for each attempt: the certificate is renewed. */
  readonly tls: () => BrokerTls;
  readonly deviceId: string;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  readonly log: Logger;
  /** Credential and a fresh token, asked for each attempt; null while there can't be one (the hour isn't known). */
  readonly credentials: (signal: AbortSignal) => Promise<Credentials | null>;
  /** The connection is there and subscribed. What it sends until it resolves goes out before anything else. */
  readonly onOnline: () => Promise<void>;
  readonly onOffline: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
  /** The broker said no: the credential is no good any more, or the clock by which the token was made is wrong. */
  readonly onRefused: () => void;
}

/**
 * All at QoS 0. Sessions are clean: a message that was on its way when the connection broke is gone at QoS 1 too, and while the
 * connection holds TCP delivers. What must arrive is retained, asked for again, or sent again until it is acknowledged end to
 * end. QoS 1 would cost a queue in the broker for each subscription, and in a cluster a replicated one.
 */
const subscribedChannels = [
  'plan',
  'now',
  'cmd',
  'proof/ack',
  'clock/res',
  'repair/res',
] as const satisfies readonly DeviceChannel[];

/** The one connection to the broker, made again for as long as the agent lives. Nothing durable rests on it. */
export class BrokerLink {
  readonly #options: BrokerLinkOptions;
  readonly #reconnect: Reconnect;
  readonly #ended = new AbortController();
  readonly #streams = new Set<string>();
  #client: MqttClient | null = null;
  #session = makeNonce();
  #isOnline = false;
  #isByCertificate = false;
  #inFlight = new Set<(isSent: boolean) => void>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: BrokerLinkOptions) {
    this.#options = options;
    const backoff = new Backoff(RECONNECT_FIRST_MS, RECONNECT_MOST_MS, options.random);
    this.#reconnect = new Reconnect(backoff, options.random);
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Names one connection; presence and statuses carry it. */
  get session(): string {
    return this.#session;
  }

  /** Throws CONFIGURATION_INVALID where the address can't be one. */
  start(): void {
    this.#work = this.#run(readBrokerUrl(this.#options.url()).length);
  }

  /** Says goodbye where it can, and ends within a second. */
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return this.#work;
    if (this.#isOnline) await this.#farewell();
    this.#ended.abort();
    await this.#work;
  }

  /** Publishes to an own channel. True once the broker has it (QoS 1) or it was handed to the socket (QoS 0). */
  async publish(channel: DeviceChannel, payload: string, qos: 0 | 1, isRetained = false): Promise<boolean> {
    const client = this.#client;
    const inFlight = this.#inFlight;
    if (client === null || !this.#isOnline || inFlight.size >= MAX_IN_FLIGHT) return false;
    return new Promise((resolve) => {
      inFlight.add(resolve);
      const topic = deviceTopic(this.#options.deviceId, channel);
      client.publish(topic, payload, { qos, retain: isRetained }, (error) => {
        inFlight.delete(resolve);
        resolve(error === undefined || error === null);
      });
    });
  }

  /** These exact topics are subscribed besides the own ones, now and after each reconnect. */
  follow(topics: readonly string[]): void {
    const gone = [...this.#streams].filter((topic) => !topics.includes(topic));
    const fresh = topics.filter((topic) => !this.#streams.has(topic));
    this.#streams.clear();
    for (const topic of topics) this.#streams.add(topic);
    if (!this.#isOnline || this.#client === null) return;
    if (gone.length > 0) this.#client.unsubscribe(gone, this.#logFailure('unsubscribe'));
    if (fresh.length > 0) this.#client.subscribe(fresh, { qos: 0 }, this.#logFailure('subscribe'));
  }

  // Of several addresses a receiver begins anywhere, so that they share the load, and goes on to the next at each end.
  async #run(addressCount: number): Promise<void> {
    const { signal } = this.#ended;
    const first = addressCount === 1 ? 0 : Math.floor(this.#options.random() * addressCount);
    for (let attempt = first; !signal.aborted; attempt += 1) {
      const credentials = await this.#askCredentials();
      // Not before: the question for them may have brought another address.
      const addresses = readBrokerUrl(this.#options.url());
      const address = addresses[attempt % addresses.length] ?? addresses[0];
      const startedUs = this.#options.clock.nowUs();
      const isBroken = credentials !== null && (await this.#connectOnce(address, credentials));
      const past = { lastedUs: this.#options.clock.nowUs() - startedUs, isBroken };
      await pause(this.#options.clock, this.#reconnect.afterMs(past), signal);
    }
  }

  async #askCredentials(): Promise<Credentials | null> {
    try {
      return await this.#options.credentials(this.#ended.signal);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'no credentials for the broker yet');
      return null;
    }
  }

  // One connection from its first byte to its end; resolves when it is over, with whether an error ended it.
  async #connectOnce(address: BrokerAddress, credentials: Credentials): Promise<boolean> {
    if (this.#ended.signal.aborted) return false;
    let isBroken = false;
    this.#session = makeNonce();
    const tls = this.#options.tls();
    const shown = this.#isByCertificate ? null : credentials;
    const client = new MqttClient(() => openBrokerSocket(address, tls), this.#clientOptions(shown));
    this.#client = client;
    client.on('connect', () => {
      this.#options.log.info({ host: address.host, port: address.port }, 'the broker is reached');
      this.#subscribeOwn(client);
    });
    client.on('message', (topic, payload) => this.#options.onMessage(topic, payload));
    client.on('error', (error) => {
      isBroken = true;
      this.#onError(error);
    });
    await this.#over(client);
    this.#client = null;
    this.#forgetInFlight();
    if (this.#isOnline) {
      this.#isOnline = false;
      this.#options.onOffline();
    }
    client.end(true);
    return isBroken;
  }

  #forgetInFlight(): void {
    const lost = this.#inFlight;
    this.#inFlight = new Set();
    for (const resolve of lost) resolve(false);
  }

  async #over(client: MqttClient): Promise<void> {
    const { signal } = this.#ended;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        resolve();
      };
      signal.addEventListener('abort', finish, { once: true });
      client.once('close', finish);
    });
  }

  #clientOptions(credentials: Credentials | null): IClientOptions {
    return {
      protocolVersion: 4,
      clientId: this.#options.deviceId,
      ...(credentials !== null && { username: credentials.userName, password: credentials.password }),
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_WITHIN_MS,
      // A token works once, so mqtt.js may not connect again by itself with the same one.
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      will: {
        topic: deviceTopic(this.#options.deviceId, 'presence'),
        payload: Buffer.from(this.#presence(false)),
        qos: 1,
        retain: true,
      },
    };
  }

  #subscribeOwn(client: MqttClient): void {
    const own = subscribedChannels.map((channel) => deviceTopic(this.#options.deviceId, channel));
    client.subscribe([REVOKED_TOPIC, ...own, ...this.#streams], { qos: 0 }, (error) => {
      if (this.#client !== client) return;
      if (error !== null) client.end(true);
      else void this.#becomeOnline(client);
    });
  }

  async #becomeOnline(client: MqttClient): Promise<void> {
    this.#isOnline = true;
    await this.#options.onOnline();
    // In a write of its own: NATS server passes on what came in one read only once it has stored the QoS 1 messages in it.
    await nextTurn();
    if (this.#client === client) await this.publish('presence', this.#presence(true), 1, true);
  }

  #onError(error: Error): void {
    this.#options.log.debug({ err: error }, 'the connection to the broker failed');
    // CONNACK return codes 4 and 5: [MQTT-3.2.2.3].
    if (!('code' in error) || (error.code !== 4 && error.code !== 5)) return;
    this.#options.onRefused();
    // Some brokers refuse user names that they do not know: next they are shown the certificate alone.
    if (this.#options.tls().certificate !== undefined) this.#isByCertificate = !this.#isByCertificate;
  }

  async #farewell(): Promise<void> {
    const enough = new AbortController();
    const said = this.publish('presence', this.#presence(false), 1, true);
    await Promise.race([said, pause(this.#options.clock, FAREWELL_MS, enough.signal)]);
    enough.abort();
  }

  #presence(isOnline: boolean): string {
    const presence: Presence = { session: this.#session, isOnline };
    return JSON.stringify(presence);
  }

  #logFailure(what: string): (error: Error | null | undefined) => void {
    return (error) => {
      if (error !== null && error !== undefined) this.#options.log.debug({ err: error }, `${what} failed`);
    };
  }
}
