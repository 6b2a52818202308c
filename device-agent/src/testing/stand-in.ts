// For tests: as little of a platform as an agent needs, on a plain broker, with real signatures. What it may do that a
// platform never would (altered, replayed, foreign messages) is the point of some tests.
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { Aedes } from 'aedes';
import {
  addMs,
  clockRequestSchema,
  commandResultSchema,
  deviceTopic,
  encodeRepairAnswer,
  fromUnixMs,
  joinRequestSchema,
  latenessSchema,
  parseTopic,
  proofSchema,
  repairRequestSchema,
  statusSchema,
  type CommandResult,
  type DeviceChannel,
  type Lateness,
  type MediaTime,
  type Proof,
  type RepairRequest,
  type Status,
} from '@loalang/shared';
import { identify, readPublicKey, TrustStore, verifyJws } from '@loalang/shared/signing';
import { Authority, DEVICE_ID } from './authority.ts';
import { portOf } from './port-of.ts';

export const BROKER_NAME = 'test-broker';

/** One platform for one receiver. */
export class StandIn extends EventEmitter {
  readonly authority: Authority;
  readonly statuses: Status[] = [];
  readonly proofs: Proof[] = [];
  readonly proofJws: string[] = [];
  readonly results: CommandResult[] = [];
  readonly lateness: Lateness[] = [];
  readonly repairRequests: RepairRequest[] = [];
  /** Topics that the receiver published to, in their order. */
  readonly topics: string[] = [];
  /** Which packets it sends when it is asked for some. */
  onRepair: (request: RepairRequest) => readonly Uint8Array[] = () => [];
  readonly recordings = new Map<string, Buffer>();
  readonly assets = new Map<string, Buffer>();
  readonly assetRequests: { sha256: string; range: string | null }[] = [];
  readonly signIns: { userName: string; password: string }[] = [];
  joinRequests = 0;
  /** Off: the officer has not confirmed the code yet. */
  isConfirmed = true;
  /** Off: proofs are taken and not acknowledged, as when the database is down. */
  acknowledges = true;
  answersTime = true;
  /** How many bytes of an asset are sent before the connection breaks; null: all. */
  breakAfterBytes: number | null = null;
  /** Connections that an outage holds up; null while there is none. */
  #held: Socket[] | null = null;
  #deviceKey: string | null = null;
  #broker: Aedes | null = null;
  #mqtt: Server | null = null;
  readonly #mqttSockets = new Set<Socket>();
  readonly #http = createHttpServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  constructor(authority: Authority) {
    super();
    this.authority = authority;
    this.setMaxListeners(0);
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${portOf(this.#http)}`;
  }

  brokerPort = 0;

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.brokerPort}`;
  }

  now(): MediaTime {
    return fromUnixMs(performance.timeOrigin + performance.now());
  }

  async startHttp(): Promise<void> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
  }

  /** A broker on the port that it had before, or on any. Retained messages do not outlive it. */
  async startBroker(): Promise<void> {
    const broker = await Aedes.createBroker();
    broker.authenticate = (client, userName, password, done) => {
      this.signIns.push({ userName: userName ?? '', password: password?.toString() ?? '' });
      done(null, client !== null);
    };
    broker.on('publish', (packet, client) => {
      if (client === null) return;
      this.topics.push(packet.topic);
      const payload = Buffer.from(packet.payload);
      this.#hear(packet.topic, payload).catch((error: unknown) => this.emit('error', error));
    });
    this.#broker = broker;
    this.#mqtt = createServer((socket) => {
      this.#mqttSockets.add(socket);
      socket.on('close', () => this.#mqttSockets.delete(socket));
      if (this.#held === null) broker.handle(socket);
      else this.#held.push(socket);
    });
    await new Promise<void>((resolve) => this.#mqtt?.listen(this.brokerPort, '127.0.0.1', resolve));
    this.brokerPort = portOf(this.#mqtt);
  }

  /** The receiver's connection breaks, and a new one gets no answer until the outage is over. */
  beginOutage(): void {
    this.#held = [];
    for (const socket of this.#mqttSockets) socket.destroy();
  }

  endOutage(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const socket of held) this.#broker?.handle(socket);
  }

  async stopBroker(): Promise<void> {
    for (const socket of this.#mqttSockets) socket.destroy();
    const server = this.#mqtt;
    this.#mqtt = null;
    if (server !== null) await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => {
      if (this.#broker === null) resolve();
      else this.#broker.close(() => resolve());
    });
    this.#broker = null;
  }

  async close(): Promise<void> {
    await this.stopBroker();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Hands bytes to whoever subscribed. */
  async publish(topic: string, payload: string | Uint8Array, isRetained = false): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const packet = {
        cmd: 'publish' as const,
        topic,
        payload: Buffer.from(payload),
        qos: 1 as const,
        retain: isRetained,
        dup: false,
      };
      this.#broker?.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  async tell(channel: DeviceChannel, jws: string, isRetained = false): Promise<void> {
    await this.publish(deviceTopic(DEVICE_ID, channel), jws, isRetained);
  }

  addAsset(bytes: Uint8Array): { sha256: string; bytes: number } {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.assets.set(sha256, Buffer.from(bytes));
    return { sha256, bytes: bytes.byteLength };
  }

  /** Resolves once this holds, looked at after everything that comes; rejects after the deadline. */
  async until(what: string, holds: () => boolean, withinMs = 15_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => settle(new Error(`did not happen in ${withinMs} ms: ${what}`)),
        withinMs,
      );
      const look = (): void => {
        if (holds()) settle(null);
      };
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        this.off('heard', look);
        if (error === null) resolve();
        else reject(error);
      };
      this.on('heard', look);
    });
  }

  async #hear(topic: string, payload: Buffer): Promise<void> {
    const t2 = this.now();
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'device' || this.#deviceKey === null) return;
    const key = readPublicKey(this.#deviceKey);
    const jws = payload.toString();
    if (parsed.channel === 'clock/req') await this.#answerClock(jws, t2);
    if (parsed.channel === 'status') this.statuses.push(must(await verifyJws(jws, key, statusSchema)));
    if (parsed.channel === 'lateness') this.lateness.push(latenessSchema.parse(JSON.parse(jws)));
    if (parsed.channel === 'repair') await this.#sendAgain(repairRequestSchema.parse(JSON.parse(jws)));
    if (parsed.channel === 'cmd/result')
      this.results.push(must(await verifyJws(jws, key, commandResultSchema)));
    if (parsed.channel === 'proof') await this.#takeProof(jws, must(await verifyJws(jws, key, proofSchema)));
    this.emit('heard');
  }

  async #takeProof(jws: string, proof: Proof): Promise<void> {
    if (!this.proofs.some(({ chain, seq }) => chain === proof.chain && seq === proof.seq)) {
      this.proofs.push(proof);
      this.proofJws.push(jws);
    }
    if (!this.acknowledges) return;
    const { chain, seq } = proof;
    await this.tell(
      'proof/ack',
      await this.authority.sign('plan', { type: 'proof-ack', device: DEVICE_ID, chain, seq }),
    );
  }

  async #sendAgain(request: RepairRequest): Promise<void> {
    this.repairRequests.push(request);
    for (const packet of this.onRepair(request)) {
      const answer = encodeRepairAnswer({ streamId: request.streamId, packet });
      await this.publish(deviceTopic(DEVICE_ID, 'repair/res'), answer);
    }
  }

  async #answerClock(text_: string, t2: MediaTime): Promise<void> {
    if (!this.answersTime) return;
    const { nonce, t1 } = clockRequestSchema.parse(JSON.parse(text_));
    const reply = { type: 'clock', device: DEVICE_ID, nonce, t1, t2, t3: this.now() };
    await this.tell('clock/res', await this.authority.sign('time', reply));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, , route, id = ''] = url.pathname.split('/');
    if (route === 'time') {
      if (!this.answersTime) return void response.writeHead(503).end();
      const nonce = url.searchParams.get('nonce');
      response.end(await this.authority.sign('time', { type: 'time', nonce, at: this.now() }));
    } else if (route === 'join') await this.#join(request, response);
    else if (!(await this.#isMember(request))) response.writeHead(401).end();
    else if (route === 'assets') this.#sendAsset(id, request, response);
    else if (route === 'recordings') {
      this.recordings.set(id, await buffer(request));
      response.writeHead(204).end();
      this.emit('heard');
    } else response.writeHead(404).end();
  }

  async #join(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { key } = joinRequestSchema.parse(JSON.parse(await text(request)));
    this.joinRequests += 1;
    this.emit('heard');
    if (!this.isConfirmed) return void response.end(JSON.stringify({ state: 'waiting' }));
    this.#deviceKey = key;
    const now = this.now();
    const credential = await this.authority.sign('credential', {
      type: 'credential',
      id: DEVICE_ID,
      role: 'device',
      key,
      issuedAt: now,
      expiresAt: addMs(now, 30 * 86_400_000),
    });
    const broker = { url: this.brokerUrl, name: BROKER_NAME };
    response.end(JSON.stringify({ state: 'joined', deviceId: DEVICE_ID, credential, broker }));
  }

  async #isMember(request: IncomingMessage): Promise<boolean> {
    const [scheme, credential = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    const trust = new TrustStore(this.authority.root.public);
    const shown = await identify(trust, { credential, token }, { audience: BROKER_NAME, now: this.now() });
    return scheme === 'LoaLang' && shown.ok;
  }

  #sendAsset(sha256: string, request: IncomingMessage, response: ServerResponse): void {
    const range = request.headers.range ?? null;
    this.assetRequests.push({ sha256, range });
    this.emit('heard');
    const asset = this.assets.get(sha256);
    if (asset === undefined) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const rest = asset.subarray(from);
    response.writeHead(range === null ? 200 : 206, {
      'content-length': rest.byteLength,
      etag: `"${sha256}"`,
    });
    const limit = this.breakAfterBytes;
    if (limit === null || limit >= rest.byteLength) return void response.end(rest);
    response.write(rest.subarray(0, limit), () => setImmediate(() => response.destroy()));
  }
}

function must<T>(verified: { ok: true; payload: T } | { ok: false; reason: string }): T {
  if (!verified.ok) throw new Error(`the receiver sent what does not verify: ${verified.reason}`);
  return verified.payload;
}
