/**
 * A process's one MQTT connection: the platform's, and the time service's. Each attempt to connect brings a fresh credential and token; sessions are clean,
 * so whatever must be there after a reconnect is published again by whoever listens to `onUp`.
 */
import {
  deviceTopic,
  parseTopic,
  readBrokerUrl,
  type BrokerAddress,
  type BrokerRole,
  type DeviceChannel,
  type MediaTime,
} from '@loalang/shared';
import { generateSigningKey, type ClientAuthority, type SigningKey } from '@loalang/shared/signing';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { PlatformKey } from '../keys/index.ts';
import type { Clock, Timer } from '../time/media-clock.ts';
import { addressOptions, credentialOptions } from './sign-in-options.ts';
import { withoutDelay } from './without-delay.ts';

const receivedChannels = [
  'presence',
  'status',
  'cmd/result',
  'proof',
  'clock/req',
  'lateness',
  'repair',
] as const satisfies readonly DeviceChannel[];
export type ReceivedChannel = (typeof receivedChannels)[number];
export type Receive = (deviceId: string, payload: Buffer, at: MediaTime) => void;

export interface LinkParts {
  /** As what it signs in, which is its id at the broker too: there is one of each. */
  readonly role: Exclude<BrokerRole, 'device'>;
  /** One address, or those of a cluster with commas between. */
  readonly url: string;
  /** PEM: whose certificates the broker's may be of, instead of those that Node.js believes. */
  readonly ca?: string | undefined;
  /** Where there is one, brokers that ask by TLS are shown a certificate of it. */
  readonly clientAuthority?: ClientAuthority | null;
  /** The broker's name: the audience of the token. */
  readonly brokerName: string;
  readonly credentialKey: PlatformKey;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the messages of each channel are handed to; at once, in order. Of other channels it hears nothing. */
export type Receivers = { readonly [channel in ReceivedChannel]?: Receive };

/** No message of a receiver is larger (a status with 200 cached ids has about 12 KB); what is, is not kept waiting. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A broker that says nothing for one and a half times as long is gone. */
const KEEPALIVE_S = 15;

export class Link {
  readonly #parts: LinkParts;
  readonly #key: SigningKey = generateSigningKey();
  readonly #addresses: readonly [BrokerAddress, ...BrokerAddress[]];
  #attempts = 0;
  #isByCertificate = false;
  readonly #upListeners: (() => void)[] = [];
  #receivers: Receivers | null = null;
  #client: MqttClient | null = null;
  #isUp = false;
  #isClosed = false;
  #failures = 0;
  #retry: Timer | null = null;
  /** Publishes that wait for the broker's acknowledgement. */
  readonly #unacknowledged = new Set<(error: Error) => void>();

  /** Throws CONFIGURATION_INVALID where the address can't be one. */
  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#addresses = readBrokerUrl(parts.url);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Is called each time that the connection is there and subscribed. */
  onUp(listener: () => void): void {
    this.#upListeners.push(listener);
  }

  /** Begins to connect, and goes on trying until closed. Does not wait for the broker. */
  start(receivers: Receivers): void {
    this.#receivers = receivers;
    void this.#attempt();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#retry?.cancel();
    const client = this.#client;
    this.#dropped();
    await new Promise<void>((resolve) => {
      if (client === null) return resolve();
      client.end(true, {}, () => resolve());
    });
  }

  /** Publishes and waits for the broker's acknowledgement. Rejects when the connection is lost before it. */
  async publish(topic: string, payload: string, options: { isRetained: boolean }): Promise<void> {
    const client = this.#client;
    if (client === null || !this.#isUp) throw new Error('the link to the broker is down');
    await new Promise<void>((resolve, reject) => {
      this.#unacknowledged.add(reject);
      client.publish(topic, payload, { qos: 1, retain: options.isRetained }, (error) => {
        this.#unacknowledged.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Sends what is worthless when late (audio, clock answers); false where there is no connection. */
  send(topic: string, payload: Uint8Array | string): boolean {
    if (this.#client === null || !this.#isUp) return false;
    const body =
      typeof payload === 'string'
        ? payload
        : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#client.publish(topic, body, { qos: 0 });
    return true;
  }

  async #attempt(): Promise<void> {
    try {
      const options = await this.#makeOptions();
      if (!this.#isClosed) this.#connect(options);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'could not prepare to connect to the broker');
      this.#retryLater();
    }
  }

  #connect(options: IClientOptions): void {
    const client = connect(options);
    this.#client = client;
    withoutDelay(client);
    client.on('connect', () => void this.#subscribe(client));
    client.on('message', (topic, payload) => this.#receive(topic, payload));
    client.on('error', (error) => this.#broke(error));
    client.on('close', () => {
      if (this.#client !== client) return;
      this.#dropped();
      client.end(true);
      this.#retryLater();
    });
  }

  async #subscribe(client: MqttClient): Promise<void> {
    const channels = receivedChannels.filter((channel) => this.#receivers?.[channel] !== undefined);
    try {
      // Sessions are clean, so QoS 1 would bring nothing more, and cost the broker a queue.
      await client.subscribeAsync(
        channels.map((channel) => deviceTopic('+', channel)),
        { qos: 0 },
      );
    } catch (error) {
      this.#parts.log.error({ err: error }, 'could not subscribe at the broker');
      client.end(true);
      return;
    }
    if (this.#client !== client || this.#isClosed) return;
    this.#isUp = true;
    this.#failures = 0;
    const { host, port } = client.options;
    this.#parts.log.info({ role: this.#parts.role, host, port }, 'connected to the broker');
    for (const listener of this.#upListeners) listener();
  }

  #receive(topic: string, payload: Buffer): void {
    const at = this.#parts.clock.now();
    if (payload.byteLength > MAX_MESSAGE_BYTES) return;
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'device' || !isReceived(parsed.channel)) return;
    this.#receivers?.[parsed.channel]?.(parsed.deviceId, payload, at);
  }

  #dropped(): void {
    this.#client = null;
    this.#isUp = false;
    const lost = [...this.#unacknowledged];
    this.#unacknowledged.clear();
    for (const reject of lost) reject(new Error('the link to the broker broke'));
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Half fixed, half random: never a storm, never a tight loop.
    const delayMs = ceilingMs / 2 + (Math.random() * ceilingMs) / 2;
    this.#retry = this.#parts.clock.after(delayMs, () => void this.#attempt());
  }

  async #makeOptions(): Promise<IClientOptions> {
    const signer = { ...this.#parts, key: this.#key };
    const now = this.#parts.clock.now();
    // The next of the addresses each time: where one is down, another may be up.
    const address = this.#addresses[this.#attempts % this.#addresses.length] ?? this.#addresses[0];
    this.#attempts += 1;
    return {
      ...addressOptions(address, signer, now),
      ...(this.#isByCertificate ? {} : await credentialOptions(signer, now)),
      clientId: signer.role,
      protocolVersion: 4,
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
    };
  }

  /** A broker that refuses user names that it does not know is next shown the certificate alone, and the other way round. */
  #broke(error: Error): void {
    this.#parts.log.warn({ err: error }, 'the broker refused or broke the connection');
    const isRefusal = 'code' in error && (error.code === 4 || error.code === 5);
    const hasCertificate = (this.#parts.clientAuthority ?? null) !== null;
    if (isRefusal && hasCertificate) this.#isByCertificate = !this.#isByCertificate;
  }
}

const receivedNames: ReadonlySet<string> = new Set(receivedChannels);

function isReceived(channel: DeviceChannel): channel is ReceivedChannel {
  return receivedNames.has(channel);
}
