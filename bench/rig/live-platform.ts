import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { connectAsync, type MqttClient } from 'mqtt';
import { z } from 'zod';
import {
  addMs,
  clockRequestSchema,
  deviceTopic,
  fromUnixMs,
  joinRequestSchema,
  parseTopic,
  proofSchema,
  REVOKED_TOPIC,
  statusSchema,
  streamTopic,
  TOPIC_ROOT,
  type LiveStream,
  type MediaTime,
  type Status,
} from '@loalang/shared';
import {
  generateSigningKey,
  makeToken,
  readPublicKey,
  signAudioPacket,
  verifyJws,
  type SigningKey,
} from '@loalang/shared/signing';
import { Authority, makeNow, makePlan } from '../../device-agent/src/testing/authority.ts';
import { portOf } from '../../device-agent/src/testing/port-of.ts';
import { Packetizer } from '../../scheduler/src/air/packetizer.ts';
import { withoutDelay } from '../../scheduler/src/link/without-delay.ts';
import type { Children } from './children.ts';
import { until } from './two-cards.ts';

const BROKER_NAME = 'loalang';
const DAY_MS = 86_400_000;
const FRAME_MS = 20;
const brokerReadySchema = z.object({ port: z.number() });

/** What a receiver is told to come in with. */
export interface Member {
  readonly deviceId: string;
  readonly joinCode: string;
}

/**
 * As much of a platform as receivers of one live stream need: a real broker as a process, time and joining answered, the
 * frames stamped and grouped by the air service's own packetizer. It has no database.
 */
export class LivePlatform {
  readonly #children: Children;
  readonly #members: readonly Member[];
  readonly #keys = new Map<string, string>();
  readonly #statuses = new Map<string, Status>();
  readonly #http = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  #authority: Authority | null = null;
  #client: MqttClient | null = null;
  #revision = 0;
  brokerUrl = '';

  constructor(children: Children, members: readonly Member[]) {
    this.#children = children;
    this.#members = members;
  }

  get rootKey(): string {
    return this.#signer.root.public;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#http)}`;
  }

  now(): MediaTime {
    return fromUnixMs(performance.timeOrigin + performance.now());
  }

  async start(): Promise<void> {
    this.#authority = await Authority.make(this.now());
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    const { ready } = await this.#children.startOurs('broker/src/main.ts', {
      LOALANG_ROOT_KEY: this.rootKey,
      LOALANG_BROKER_NAME: BROKER_NAME,
      LOALANG_BROKER_PORT: '0',
    });
    this.brokerUrl = `mqtt://127.0.0.1:${brokerReadySchema.parse(ready).port}`;
    this.#client = await this.#signIn();
    this.#client.on('message', (topic, payload) => void this.#hear(topic, payload.toString()));
    const topics = ['clock/req', 'status', 'proof'].map((channel) => `${TOPIC_ROOT}/dev/+/${channel}`);
    await this.#client.subscribeAsync(topics);
    const revoked = { type: 'revoked', version: 1, issuedAt: this.now(), ids: [] };
    await this.#publish(REVOKED_TOPIC, await this.#signer.sign('credential', revoked), true);
  }

  /** Tells the receivers which streams are on air. */
  async announce(streams: readonly LiveStream[]): Promise<void> {
    this.#revision += 1;
    for (const { deviceId } of this.#members) {
      const now = makeNow(this.#revision, this.now(), streams, deviceId);
      const certificates = [this.#signer.key('time').certificate];
      await this.#tell(deviceId, 'now', await this.#signer.sign('air', { ...now, certificates }));
      const plan = makePlan(this.#revision, this.now(), [], deviceId);
      await this.#tell(deviceId, 'plan', await this.#signer.sign('plan', plan));
    }
  }

  /** Forgets what receivers said before: those of now are new. */
  forget(): void {
    this.#statuses.clear();
  }

  /** Resolves when all receivers know the time and would play in step. */
  async everyoneInStep(withinMs: number): Promise<void> {
    const isInStep = ({ deviceId }: Member): boolean =>
      this.#statuses.get(deviceId)?.clock.state === 'in-step';
    await until('receivers in step', () => this.#members.every(isInStep), withinMs);
  }

  /** Speaks the frames over and over, 20 ms each. */
  async goLive(frames: readonly Uint8Array[], latencyMs: number): Promise<LiveShow> {
    const key = generateSigningKey();
    const now = this.now();
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
    const stream: LiveStream = {
      id,
      title: 'bench',
      priority: 'priority',
      startAt: now,
      latencyMs,
      expiresAt: addMs(now, DAY_MS / 2),
      key: key.public,
    };
    await this.announce([stream]);
    return new LiveShow({ frames, latencyMs, now: () => this.now(), send: this.#sender(id, key) });
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  get #signer(): Authority {
    if (this.#authority === null) throw new Error('not started');
    return this.#authority;
  }

  #sender(id: string, key: SigningKey): LiveShowParts['send'] {
    return (packet) => {
      const bytes = Buffer.from(signAudioPacket(packet, id, key.privateKey));
      this.#client?.publish(streamTopic(id), bytes, { qos: 0 });
    };
  }

  async #signIn(): Promise<MqttClient> {
    const key = generateSigningKey();
    const password = await makeToken(key, { id: 'platform', audience: BROKER_NAME, now: this.now() });
    const client = await connectAsync(this.brokerUrl, {
      clientId: 'platform',
      username: await this.#credential('platform', 'platform', key.public),
      password,
      reconnectPeriod: 0,
    });
    withoutDelay(client);
    return client;
  }

  async #credential(id: string, role: string, key: string): Promise<string> {
    const issuedAt = this.now();
    const expiresAt = addMs(issuedAt, 30 * DAY_MS);
    return this.#signer.sign('credential', { type: 'credential', id, role, key, issuedAt, expiresAt });
  }

  async #hear(topic: string, payload: string): Promise<void> {
    const t2 = this.now();
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'device') return;
    const device = parsed.deviceId;
    const key = this.#keys.get(device);
    if (parsed.channel === 'clock/req') {
      const { nonce, t1 } = clockRequestSchema.parse(JSON.parse(payload));
      const reply = { type: 'clock', device, nonce, t1, t2, t3: this.now() };
      await this.#tell(device, 'clock/res', await this.#signer.sign('time', reply), false);
    }
    if (key === undefined) return;
    if (parsed.channel === 'status') {
      const status = await verifyJws(payload, readPublicKey(key), statusSchema);
      if (status.ok) this.#statuses.set(device, status.payload);
    }
    if (parsed.channel === 'proof') {
      const proof = await verifyJws(payload, readPublicKey(key), proofSchema);
      if (proof.ok) await this.#acknowledge(device, proof.payload.chain, proof.payload.seq);
    }
  }

  async #acknowledge(device: string, chain: string, seq: number): Promise<void> {
    const ack = { type: 'proof-ack', device, chain, seq };
    await this.#tell(device, 'proof/ack', await this.#signer.sign('plan', ack), false);
  }

  async #tell(
    deviceId: string,
    channel: Parameters<typeof deviceTopic>[1],
    jws: string,
    isRetained = true,
  ): Promise<void> {
    await this.#publish(deviceTopic(deviceId, channel), jws, isRetained);
  }

  async #publish(topic: string, payload: string, retain: boolean): Promise<void> {
    if (this.#client?.connected !== true) return;
    await this.#client.publishAsync(topic, payload, { qos: retain ? 1 : 0, retain });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://bench');
    if (url.pathname === '/device/time') {
      const time = { type: 'time', nonce: url.searchParams.get('nonce'), at: this.now() };
      response.end(await this.#signer.sign('time', time));
    } else if (url.pathname === '/device/join') response.end(await this.#join(await text(request)));
    else response.writeHead(404).end();
  }

  async #join(body: string): Promise<string> {
    const { code, key } = joinRequestSchema.parse(JSON.parse(body));
    const member = this.#members.find(({ joinCode }) => joinCode === code);
    if (member === undefined) throw new Error(`nobody has the code ${code}`);
    const { deviceId } = member;
    this.#keys.set(deviceId, key);
    const credential = await this.#credential(deviceId, 'device', key);
    const broker = { url: this.brokerUrl, name: BROKER_NAME };
    return JSON.stringify({ state: 'joined', deviceId, credential, broker });
  }
}

interface LiveShowParts {
  readonly frames: readonly Uint8Array[];
  readonly latencyMs: number;
  readonly now: () => MediaTime;
  readonly send: (packet: ReturnType<Packetizer['push']>[number]) => void;
}

/** One live broadcast: a frame each 20 ms, as a microphone gives them. */
export class LiveShow {
  readonly #parts: LiveShowParts;
  readonly #packetizer: Packetizer;
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();
  #spoken = 0;

  constructor(parts: LiveShowParts) {
    this.#parts = parts;
    this.#packetizer = new Packetizer(parts.latencyMs);
    this.#timer = setInterval(() => this.#speak(), FRAME_MS / 2);
  }

  end(): void {
    clearInterval(this.#timer);
    for (const packet of this.#packetizer.finish(this.#parts.now())) this.#parts.send(packet);
  }

  #speak(): void {
    const { frames, now, send } = this.#parts;
    while (this.#spoken * FRAME_MS <= performance.now() - this.#startMs) {
      const frame = frames[this.#spoken % frames.length];
      this.#spoken += 1;
      if (frame !== undefined) for (const packet of this.#packetizer.push(frame, now())) send(packet);
    }
  }
}
