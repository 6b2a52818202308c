import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { addMs, fromUnixMs, REVOKED_TOPIC, type BrokerRole, type MediaTime } from '@loalang/shared';
import { certify, generateSigningKey, makeToken, signJws, type SigningKey } from '@loalang/shared/signing';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate, parser, type IConnectPacket, type Packet } from 'mqtt-packet';
import { pino } from 'pino';
import { Broker, type BrokerOptions, type OpenListener } from './index.ts';

/** What the tests of the broker share: a real broker with a real hierarchy of keys, and who connects to it. */

export const AUDIENCE = 'test-broker';
const DAY_MS = 86_400_000;

export interface Holder {
  readonly id: string;
  readonly key: SigningKey;
  readonly credential: string;
}

/** A clock that the test moves. */
export class TestClock {
  #now: MediaTime = fromUnixMs(Date.now());

  now(): MediaTime {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now = addMs(this.#now, ms);
  }
}

/** A platform's keys, by which it makes credentials and lists of revoked ids. */
export class Authority {
  readonly root = generateSigningKey();
  #key = generateSigningKey();
  #certificate = '';

  static async create(): Promise<Authority> {
    const authority = new Authority();
    const beganAt = addMs(fromUnixMs(Date.now()), -DAY_MS);
    authority.#certificate = await authority.#certify({ notBefore: beganAt });
    return authority;
  }

  /** A new key takes the place of the one that signs credentials, which is believed no more. */
  async retireKey(): Promise<void> {
    const now = fromUnixMs(Date.now());
    this.#key = generateSigningKey();
    this.#certificate = await this.#certify({ notBefore: now, retiresBefore: now });
  }

  async issue(id: string, role: BrokerRole, lifeMs = DAY_MS): Promise<Holder> {
    const key = generateSigningKey();
    const now = fromUnixMs(Date.now());
    const credential = await signJws(
      {
        type: 'credential',
        id,
        role,
        key: key.public,
        issuedAt: addMs(now, -DAY_MS),
        expiresAt: addMs(now, lifeMs),
      },
      this.#key,
      this.#certificate,
    );
    return { id, key, credential };
  }

  async revoke(version: number, ids: readonly string[]): Promise<string> {
    const list = { type: 'revoked', version, issuedAt: fromUnixMs(Date.now()), ids };
    return signJws(list, this.#key, this.#certificate);
  }

  async #certify(span: { notBefore: MediaTime; retiresBefore?: MediaTime }): Promise<string> {
    const expiresAt = addMs(fromUnixMs(Date.now()), DAY_MS);
    return certify(this.root, { purpose: 'credential', key: this.#key.public, expiresAt, ...span });
  }
}

/** `d-` and ten letters, the nth of them. */
export function deviceId(index: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const digits = Array.from({ length: 10 }, (_, place) => letters[Math.floor(index / 32 ** place) % 32]);
  return `d-${digits.toReversed().join('')}`;
}

/** A broker on a port of its own, and its platform's authority. Close it after use. */
export class TestVillage {
  readonly authority: Authority;
  readonly broker: Broker;
  readonly port: number;
  /** Where it listens, plain MQTT first. */
  readonly listeners: readonly OpenListener[];
  readonly #clients: MqttClient[] = [];
  readonly #sockets: Socket[] = [];

  private constructor(authority: Authority, broker: Broker, listeners: readonly OpenListener[]) {
    this.authority = authority;
    this.broker = broker;
    this.port = listeners[0]?.port ?? 0;
    this.listeners = listeners;
  }

  static async start(options: Partial<BrokerOptions> = {}): Promise<TestVillage> {
    const authority = await Authority.create();
    const broker = new Broker({
      rootKey: authority.root.public,
      name: AUDIENCE,
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'silent' }),
      ...options,
    });
    const { listeners } = await broker.start();
    return new TestVillage(authority, broker, listeners);
  }

  /** The platform, signed in, with a list of revoked ids published: receivers may come. */
  async platform(revoked: readonly string[] = []): Promise<MqttClient> {
    const client = await this.connect(await this.authority.issue('platform', 'platform'));
    await client.publishAsync(REVOKED_TOPIC, await this.authority.revoke(1, revoked), {
      qos: 1,
      retain: true,
    });
    return client;
  }

  async device(index: number): Promise<MqttClient> {
    return this.connect(await this.authority.issue(deviceId(index), 'device'));
  }

  /** Signs in with a fresh token; rejects with what the broker answered. */
  async connect(holder: Holder, options: IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync({
      protocol: 'mqtt',
      host: '127.0.0.1',
      port: this.port,
      clientId: holder.id,
      username: holder.credential,
      password: await freshToken(holder),
      reconnectPeriod: 0,
      ...options,
    });
    // A broken connection is what many tests are about; they look at 'close'.
    client.on('error', () => client.end(true));
    this.#clients.push(client);
    return client;
  }

  /** A bare TCP connection. */
  async open(): Promise<Socket> {
    const socket = connectTcp({ host: '127.0.0.1', port: this.port });
    socket.on('error', () => socket.destroy());
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** A bare TCP connection that has signed in and subscribed, and reads nothing more until it is resumed. */
  async openFrozen(holder: Holder, topics: readonly string[]): Promise<Socket> {
    const socket = await this.open();
    const packets = new PacketReader(socket);
    socket.write(generate(await connectPacket(holder)));
    await packets.next('connack');
    socket.write(
      generate({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: topics.map((topic) => ({ topic, qos: 1 as const })),
      }),
    );
    await packets.next('suback');
    packets.stop();
    socket.pause();
    return socket;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end(true);
    for (const socket of this.#sockets) socket.destroy();
    await this.broker.close();
  }
}

/** Waits for what other events of this process bring about; the test's own deadline ends it. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Resolves when the connection is gone. */
export async function closed(client: MqttClient): Promise<void> {
  await new Promise<void>((resolve) => {
    client.once('close', () => resolve());
  });
}

/** The next message that a client gets. */
export async function nextMessage(client: MqttClient): Promise<{ topic: string; payload: Buffer }> {
  return new Promise((resolve) => {
    client.once('message', (topic, payload) => resolve({ topic, payload }));
  });
}

export async function freshToken(holder: Holder, now = fromUnixMs(Date.now())): Promise<string> {
  return makeToken(holder.key, { id: holder.id, audience: AUDIENCE, now });
}

export async function connectPacket(holder: Holder): Promise<IConnectPacket> {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: holder.id,
    username: holder.credential,
    password: Buffer.from(await freshToken(holder)),
  };
}

/** Reads MQTT packets off a stream, and remembers whether all bytes were whole packets. */
export class PacketReader {
  readonly packets: Packet[] = [];
  readonly #socket: Duplex;
  readonly #parser = parser();
  readonly #onData = (bytes: Buffer): void => {
    this.#parser.parse(bytes);
    this.#socket.emit('packets');
  };

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#parser.on('packet', (packet) => this.packets.push(packet));
    this.#parser.on('error', (error) =>
      socket.destroy(error instanceof Error ? error : new Error('not MQTT')),
    );
    socket.on('data', this.#onData);
  }

  async next(cmd: Packet['cmd']): Promise<Packet> {
    for (;;) {
      const found = this.packets.find((packet) => packet.cmd === cmd);
      if (found !== undefined) return found;
      await once(this.#socket, 'packets');
    }
  }

  stop(): void {
    this.#socket.off('data', this.#onData);
  }
}
