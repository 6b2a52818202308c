import {
  addMs,
  addUs,
  clockRequestSchema,
  deviceTopic,
  fromUnixMs,
  joinRequestSchema,
  parseTopic,
  statusSchema,
  type MediaTime,
  type PlanItem,
  type Status,
} from '@loalang/shared';
import {
  certify,
  generateSigningKey,
  readPublicKey,
  signJws,
  verifyJws,
  type KeyPurpose,
  type SigningKey,
} from '@loalang/shared/signing';
import { Aedes, type AedesPublishPacket } from 'aedes';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SampleDevice } from './sample.ts';

/** For tests of the fleet: as little of a platform as an agent needs, on a plain broker, everything properly signed. */

const DAY_MS = 86_400_000;
/** Quiet at no hour, so that tests may run at any. */
const OPEN_POLICY = { utcOffsetMinutes: 420, quietHours: [] };

interface CertifiedKey {
  readonly key: SigningKey;
  readonly certificate: string;
}

interface Member {
  readonly deviceId: string;
  readonly publicKey: string;
}

export class PlatformStandIn {
  readonly rootKey: string;
  readonly #root = generateSigningKey();
  readonly #keys = new Map<KeyPurpose, CertifiedKey>();
  readonly #members = new Map<string, Member>();
  readonly #codes: ReadonlyMap<string, string>;
  readonly #assets = new Map<string, Buffer>();
  readonly #statuses = new Map<string, Status>();
  readonly #changes = new EventEmitter();
  readonly #http = createHttpServer((request, response) => this.#answer(request, response));
  readonly #sockets = new Set<Socket>();
  #broker: Aedes | null = null;
  #mqtt: Server | null = null;

  constructor(devices: readonly SampleDevice[]) {
    this.rootKey = this.#root.public;
    this.#codes = new Map(devices.map(({ joinCode, unitId, number }) => [joinCode, idOf(unitId, number)]));
    this.#changes.setMaxListeners(0);
  }

  get platformUrl(): string {
    return `http://127.0.0.1:${portOf(this.#http)}`;
  }

  get brokerUrl(): string {
    if (this.#mqtt === null) throw new Error('not started');
    return `mqtt://127.0.0.1:${portOf(this.#mqtt)}`;
  }

  /** True media time, to the millisecond. */
  now(): MediaTime {
    return fromUnixMs(Date.now());
  }

  async start(): Promise<void> {
    const now = this.now();
    for (const purpose of ['plan', 'air', 'time', 'credential'] as const) {
      const key = generateSigningKey();
      const grant = { purpose, key: key.public, notBefore: now, expiresAt: addMs(now, DAY_MS) };
      this.#keys.set(purpose, { key, certificate: await certify(this.#root, grant) });
    }
    this.#broker = await Aedes.createBroker();
    this.#broker.on('publish', (packet) => void this.#take(packet));
    this.#mqtt = createServer(this.#broker.handle);
    for (const server of [this.#mqtt, this.#http]) {
      server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  }

  async close(): Promise<void> {
    const broker = this.#broker;
    if (broker !== null) await new Promise<void>((resolve) => broker.close(() => resolve()));
    this.#http.close();
    this.#mqtt?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The newest status of a receiver that passes the test, as soon as there is one. */
  async statusOf(unitId: string, number: number, isWanted: (status: Status) => boolean): Promise<Status> {
    const deviceId = idOf(unitId, number);
    for (;;) {
      const status = this.#statuses.get(deviceId);
      if (status !== undefined && isWanted(status)) return status;
      await once(this.#changes, deviceId);
    }
  }

  /** Plans one asset for a receiver. */
  async plan(unitId: string, number: number, item: Omit<PlanItem, 'asset'>, audio: Buffer): Promise<void> {
    const device = idOf(unitId, number);
    const sha256 = createHash('sha256').update(audio).digest('hex');
    this.#assets.set(sha256, audio);
    const plan = {
      type: 'plan',
      device,
      revision: { epoch: 1, n: 1 },
      issuedAt: this.now(),
      policy: OPEN_POLICY,
      items: [{ ...item, asset: { sha256, bytes: audio.length } }],
    };
    await this.#publish(deviceTopic(device, 'plan'), await this.#sign('plan', plan), true);
  }

  /** Tells a receiver the state of this moment: nothing on air, as loud as installed. */
  async sendNow(unitId: string, number: number): Promise<void> {
    const device = idOf(unitId, number);
    const now = {
      type: 'now',
      device,
      revision: { epoch: 1, n: 1 },
      issuedAt: this.now(),
      streams: [],
      stopped: [],
      volume: 100,
      isMuted: false,
      certificates: [this.#key('time').certificate],
    };
    await this.#publish(deviceTopic(device, 'now'), await this.#sign('air', now), true);
  }

  async #take(packet: AedesPublishPacket): Promise<void> {
    const topic = parseTopic(packet.topic);
    if (topic?.kind !== 'device') return;
    const payload = packet.payload.toString();
    if (topic.channel === 'clock/req') return this.#answerClock(topic.deviceId, payload);
    const member = this.#members.get(topic.deviceId);
    if (topic.channel !== 'status' || member === undefined) return;
    const verified = await verifyJws(payload, readPublicKey(member.publicKey), statusSchema);
    if (!verified.ok) throw new Error(`a status of ${topic.deviceId} is refused: ${verified.reason}`);
    this.#statuses.set(topic.deviceId, verified.payload);
    this.#changes.emit(topic.deviceId);
  }

  async #answerClock(device: string, request: string): Promise<void> {
    const t2 = addUs(this.now(), 500);
    const { nonce, t1 } = clockRequestSchema.parse(JSON.parse(request));
    const reply = await this.#sign('time', { type: 'clock', device, nonce, t1, t2, t3: t2 });
    await this.#publish(deviceTopic(device, 'clock/res'), reply, false);
  }

  async #publish(topic: string, payload: string, isRetained: boolean): Promise<void> {
    const qos = isRetained ? 1 : 0;
    await new Promise<void>((resolve) => {
      const packet = {
        cmd: 'publish',
        topic,
        payload: Buffer.from(payload),
        qos,
        retain: isRetained,
        dup: false,
      } as const;
      if (this.#broker === null || this.#broker.closed) resolve();
      else this.#broker.publish(packet, () => resolve());
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    this.#route(request, url).then(
      (body) => (body === null ? response.writeHead(404).end() : response.end(body)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }

  async #route(request: IncomingMessage, url: URL): Promise<string | Buffer | null> {
    switch (url.pathname) {
      case '/device/time':
        return this.#sign('time', { type: 'time', nonce: url.searchParams.get('nonce'), at: this.now() });
      case '/device/join':
        return this.#join(await text(request));
      default:
        return this.#assets.get(url.pathname.replace('/device/assets/', '')) ?? null;
    }
  }

  async #join(body: string): Promise<string | null> {
    const { code, key } = joinRequestSchema.parse(JSON.parse(body));
    const deviceId = this.#codes.get(code);
    if (deviceId === undefined) return null;
    this.#members.set(deviceId, { deviceId, publicKey: key });
    const issuedAt = this.now();
    const credential = await this.#sign('credential', {
      type: 'credential',
      id: deviceId,
      role: 'device',
      key,
      issuedAt,
      expiresAt: addMs(issuedAt, 30 * DAY_MS),
    });
    return JSON.stringify({
      state: 'joined',
      deviceId,
      credential,
      broker: { url: this.brokerUrl, name: 'loalang' },
    });
  }

  async #sign(purpose: KeyPurpose, payload: object): Promise<string> {
    const { key, certificate } = this.#key(purpose);
    return signJws(payload, key, certificate);
  }

  #key(purpose: KeyPurpose): CertifiedKey {
    const key = this.#keys.get(purpose);
    if (key === undefined) throw new Error('not started');
    return key;
  }
}

/** A device id that tells the place: ten letters of its hash. */
function idOf(unitId: string, number: number): string {
  const digest = createHash('sha256').update(`${unitId} ${number}`).digest();
  return `d-${Array.from(digest.subarray(0, 10), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('')}`;
}

function portOf(server: { address(): ReturnType<Server['address']> }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not started');
  return address.port;
}
