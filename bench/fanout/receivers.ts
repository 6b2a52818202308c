// A process of raw sockets that count packets and note how late each is. It does not decode, verify or play.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { streamTopic } from '@loalang/shared';
import { Histogram } from '../measure/histogram.ts';
import {
  answer,
  LATENCY_MS,
  nowUs,
  STREAM_ID,
  toReceiversSchema,
  utcOffsetUs,
  type Heard,
  type ToReceivers,
} from './wire.ts';

const PUBLISH = 3;
const PING = Buffer.from([0xc0, 0]);
/** From the end of the fixed header: length of the topic, the topic, and the packet's media time at its fixed place. */
const MEDIA_TIME_OFFSET = 2 + streamTopic(STREAM_ID).length + 8;
const AT_ONCE = 32;
/** One for all: what is in it is read before the next socket gets it. */
const shared = Buffer.alloc(64 * 1024);

/** What is counted of all sockets since the window was set. */
class Count {
  readonly fromUs: number;
  readonly toUs: number;
  readonly lateness = new Histogram();
  all = 0;

  constructor(fromUs: number, toUs: number) {
    this.fromUs = fromUs;
    this.toUs = toUs;
  }
}

let count = new Count(Infinity, Infinity);
const dueOffsetUs = utcOffsetUs() + LATENCY_MS * 1000;

/** One socket: finds the packets in what it is sent. */
class Ear {
  socket: Socket | null = null;
  #rest: Buffer | null = null;
  #lastUs = 0;
  #longestUs = 0;
  #onAnswer: (() => void) | null = null;

  async answered(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  hear(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const body = bodyAt(bytes, at);
      if (body === null || body.end > bytes.length) break;
      if ((bytes[at] ?? 0) >> 4 === PUBLISH) this.#packet(bytes, body.start);
      else this.#onAnswer?.();
      at = body.end;
    }
    this.#rest = at === bytes.length ? null : Buffer.from(bytes.subarray(at));
  }

  /** Begins a window. */
  reset(fromUs: number): void {
    this.#lastUs = fromUs;
    this.#longestUs = 0;
  }

  longestSilenceUs(untilUs: number): number {
    return Math.max(this.#longestUs, untilUs - this.#lastUs);
  }

  #packet(bytes: Buffer, start: number): void {
    const now = nowUs();
    const at = start + MEDIA_TIME_OFFSET;
    const dueUs = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4) - dueOffsetUs;
    count.all += 1;
    if (now < count.fromUs || now >= count.toUs) return;
    count.lateness.add((now - dueUs) / 1000);
    this.#longestUs = Math.max(this.#longestUs, now - this.#lastUs);
    this.#lastUs = now;
  }
}

/** Where the body of a packet lies (MQTT 3.1.1 §2.2.3); null where its header is not whole. */
function bodyAt(bytes: Buffer, at: number): { start: number; end: number } | null {
  let length = 0;
  for (let digit = 0, unit = 1; digit < 4; digit += 1, unit *= 128) {
    const byte = bytes[at + 1 + digit];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * unit;
    if (byte < 0x80) return { start: at + 2 + digit, end: at + 2 + digit + length };
  }
  throw new Error('no MQTT');
}

const ears: Ear[] = [];

async function open(port: number, isTls: boolean, ear: Ear): Promise<Socket> {
  const address = { port, host: '127.0.0.1' };
  const socket = isTls
    ? connectTls({ ...address, rejectUnauthorized: false })
    : connectTcp({
        ...address,
        onread: { buffer: shared, callback: (bytes) => hearShared(ear, bytes) },
      });
  if (isTls) socket.on('data', (bytes: Buffer) => ear.hear(bytes));
  socket.on('close', () => fail('a connection was closed'));
  await new Promise((resolve) => socket.once(isTls ? 'secureConnect' : 'connect', resolve));
  socket.setNoDelay(true);
  ear.socket = socket;
  return socket;
}

function hearShared(ear: Ear, bytes: number): boolean {
  ear.hear(shared.subarray(0, bytes));
  return true;
}

async function join(message: Extract<ToReceivers, { type: 'join' }>): Promise<void> {
  const { port, isTls, greetings, frozen } = message;
  const waiting = greetings.map((greeting, index) => ({
    greeting,
    isFrozen: index >= greetings.length - frozen,
  }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const ear = new Ear();
      const socket = await open(port, isTls, ear);
      for (const packet of next.greeting) {
        socket.write(Buffer.from(packet, 'base64'));
        await ear.answered();
      }
      if (next.isFrozen) socket.pause();
      else ears.push(ear);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  answer({ type: 'joined' });
}

function tell(): Heard {
  const endUs = Math.min(count.toUs, nowUs());
  return {
    type: 'heard',
    all: count.all,
    inWindow: count.lateness.total,
    latenessPairs: count.lateness.toPairs(),
    longestSilenceMs: Math.max(0, ...ears.map((ear) => ear.longestSilenceUs(endUs))) / 1000,
  };
}

function obey(message: ToReceivers): void {
  switch (message.type) {
    case 'join':
      join(message).catch(fail);
      return;
    case 'ping':
      for (const { socket } of ears) socket?.write(PING);
      return;
    case 'window':
      count = new Count(message.fromUs, message.toUs);
      for (const ear of ears) ear.reset(message.fromUs);
      return;
    case 'tell':
      answer(tell());
  }
}

function fail(error: unknown): void {
  console.error('receivers:', error);
  process.exit(1);
}

process.on('message', (message) => obey(toReceiversSchema.parse(message)));
process.once('disconnect', () => process.exit(0));
answer({ type: 'ready' });
