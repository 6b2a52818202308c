import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import {
  addMs,
  clockRequestSchema,
  deviceTopic,
  joinRequestSchema,
  proofSchema,
  REVOKED_TOPIC,
  statusSchema,
  type LiveStream,
  type MediaTime,
  type Proof,
  type Status,
} from '@loalang/shared';
import { readPublicKey, verifyJws } from '@loalang/shared/signing';
import { Broker } from '@loalang/broker';
import { MediaClock } from '@loalang/scheduler';
import { Authority, makeNow } from '../../device-agent/src/testing/authority.ts';
import { portOf } from '../../device-agent/src/testing/port-of.ts';
import { PacketHistory, Repair } from '../../scheduler/src/air/index.ts';
import { Link } from '../../scheduler/src/link/index.ts';
import { beginLine } from '../../scheduler/src/time/line.ts';
import { readClocks } from '../../scheduler/src/time/machine-clocks.ts';

const BROKER_NAME = 'bench';
const DAY_MS = 86_400_000;

/** The real broker, and of a platform what streams need: its link, its packet history and its repair, the time, joining. */
export class BenchPlatform {
  readonly clock: MediaClock;
  readonly log = pino({ level: 'silent' });
  readonly history = new PacketHistory();
  readonly statuses = new Map<string, Status>();
  readonly proofs = new Map<string, Proof>();
  readonly #keys = new Map<string, string>();
  readonly #http = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  readonly #authority: Authority;
  readonly #broker: Broker;
  #link: Link | null = null;
  #repair: Repair | null = null;
  #brokerPort = 0;

  private constructor(authority: Authority) {
    const line = beginLine(null, readClocks());
    this.clock = new MediaClock(() => line);
    this.#authority = authority;
    this.#broker = new Broker({
      rootKey: authority.root.public,
      name: BROKER_NAME,
      host: '127.0.0.1',
      port: 0,
      log: this.log,
    });
  }

  static async start(): Promise<BenchPlatform> {
    const platform = new BenchPlatform(await Authority.make());
    await platform.#start();
    return platform;
  }

  get rootKey(): string {
    return this.#authority.root.public;
  }
  get httpUrl(): string {
    return `http://127.0.0.1:${portOf(this.#http)}`;
  }
  get brokerPort(): number {
    return this.#brokerPort;
  }
  get link(): Link {
    if (this.#link === null) throw new Error('not started');
    return this.#link;
  }

  async close(): Promise<void> {
    await this.#link?.close();
    await this.#broker.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async announce(device: string, stream: LiveStream): Promise<void> {
    const now = makeNow(1, this.clock.now(), [stream], device);
    const jws = await this.#authority.sign('air', now);
    await this.link.publish(deviceTopic(device, 'now'), jws, { isRetained: true });
  }

  async #start(): Promise<void> {
    this.#brokerPort = (await this.#broker.start()).port;
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    const { clock, log, history } = this;
    const url = `mqtt://127.0.0.1:${this.#brokerPort}`;
    const credentialKey = this.#authority.key('credential');
    const link = new Link({ role: 'platform', url, brokerName: BROKER_NAME, credentialKey, clock, log });
    this.#link = link;
    this.#repair = new Repair({ history, clock, link });
    const isUp = new Promise<void>((resolve) => link.onUp(resolve));
    this.#listen(link);
    await isUp;
    const revoked = { type: 'revoked', version: 1, issuedAt: clock.now(), ids: [] };
    const jws = await this.#authority.sign('credential', revoked);
    await link.publish(REVOKED_TOPIC, jws, { isRetained: true });
  }

  #listen(link: Link): void {
    const ignore = (): void => undefined;
    link.start({
      presence: ignore,
      'cmd/result': ignore,
      lateness: ignore,
      status: (device, payload) => void this.#takeStatus(device, payload.toString()),
      proof: (device, payload) => void this.#takeProof(device, payload.toString()),
      'clock/req': (device, payload, at) => void this.#answerClock(device, payload.toString(), at),
      repair: (device, payload) => void this.#repair?.take(device, payload),
    });
  }

  async #takeStatus(device: string, jws: string): Promise<void> {
    const verified = await verifyJws(jws, readPublicKey(this.#keys.get(device) ?? ''), statusSchema);
    if (verified.ok) this.statuses.set(device, verified.payload);
  }

  async #takeProof(device: string, jws: string): Promise<void> {
    const verified = await verifyJws(jws, readPublicKey(this.#keys.get(device) ?? ''), proofSchema);
    if (verified.ok) this.proofs.set(device, verified.payload);
  }

  async #answerClock(device: string, request: string, t2: MediaTime): Promise<void> {
    const { nonce, t1 } = clockRequestSchema.parse(JSON.parse(request));
    const reply = { type: 'clock', device, nonce, t1, t2, t3: this.clock.now() };
    this.link.send(deviceTopic(device, 'clock/res'), await this.#authority.sign('time', reply));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://bench');
    if (url.pathname === '/device/time') {
      const time = { type: 'time', nonce: url.searchParams.get('nonce'), at: this.clock.now() };
      response.end(await this.#authority.sign('time', time));
    } else if (url.pathname === '/device/join') response.end(await this.#join(await text(request)));
    else response.writeHead(404).end();
  }

  async #join(body: string): Promise<string> {
    const { code, key } = joinRequestSchema.parse(JSON.parse(body));
    const deviceId = deviceIdOf(code);
    this.#keys.set(deviceId, key);
    const now = this.clock.now();
    const credential = await this.#authority.sign('credential', {
      type: 'credential',
      id: deviceId,
      role: 'device',
      key,
      issuedAt: now,
      expiresAt: addMs(now, DAY_MS),
    });
    const broker = { url: `mqtt://127.0.0.1:${this.#brokerPort}`, name: BROKER_NAME };
    return JSON.stringify({ state: 'joined', deviceId, credential, broker });
  }
}

/** A join code has eight letters; the id of its receiver has two more. */
export function deviceIdOf(code: string): string {
  return `d-${code.toLowerCase()}aa`;
}
