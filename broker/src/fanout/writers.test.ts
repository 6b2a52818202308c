import { addMs } from '@loalang/shared';
import { generate, writeToStream, type IPublishPacket } from 'mqtt-packet';
import { expect, inject, onTestFinished, test } from 'vitest';
import { LogLines } from '../test-log.ts';
import { TestClock, TestVillage, until } from '../test-village.ts';
import { openKernel, type Kernel } from './kernel.ts';
import type { Dropped } from './packet-queue.ts';
import { StreamTable } from './stream-table.ts';
import { yards, type Ends, type Yard } from './test-connections.ts';
import { Writers, type WriterChoice } from './writers.ts';

/**
 * What every writer must keep, whatever happens to a connection: whole packets, each at most once, in order, mixed with
 * those that Aedes writes itself; what is missing was counted as dropped. Every byte is looked at.
 */

const TOPIC = 'll/v1/stream/feedfacefeedfacefeedfacefeedface';
const CONTROL = 'll/v1/dev/d-aaaaaaaaaa/cmd';
const CONNECTIONS = 40;
const STEPS = 1_500 * inject('soak');
/** TLS and WebSocket take more time for the same. */
const FEWER_STEPS = STEPS / 3;
const HEADER_BYTES = 24;

/** Whole numbers from 0 up to below `end`, the same in each run. */
function seeded(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

/** A kernel that often takes less than it could, and sometimes nothing. It counts what it did to whom. */
class StingyKernel implements Kernel {
  readonly #kernel: Kernel;
  readonly #random: (end: number) => number;
  readonly counts = { whole: 0, short: 0, none: 0 };
  isStingy = false;

  constructor(kernel: Kernel, random: (end: number) => number) {
    this.#kernel = kernel;
    this.#random = random;
  }

  send(descriptor: number, bytes: Uint8Array): number {
    const sent = this.#send(descriptor, bytes);
    this.counts[sent === bytes.byteLength ? 'whole' : sent > 0 ? 'short' : 'none'] += 1;
    return sent;
  }

  boundUnsent(descriptor: number, bytes: number): boolean {
    return this.#kernel.boundUnsent(descriptor, bytes);
  }

  #send(descriptor: number, bytes: Uint8Array): number {
    const mood = this.isStingy ? this.#random(16) : 15;
    if (mood === 0) return -1;
    return this.#kernel.send(descriptor, mood < 3 ? bytes.subarray(0, this.#random(bytes.length)) : bytes);
  }
}

function packetOf(topic: string, payload: Buffer): IPublishPacket {
  return { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false };
}

/** One subscriber: what it was sent and must hear, and what it heard. */
class Party {
  readonly id: string;
  readonly conn: Ends['near'];
  readonly far: Ends['far'];
  readonly #packets: ReadonlyMap<number, Buffer>;
  /** By number, in the order in which they must come. */
  readonly controls: Buffer[] = [];
  firstFrame = 0;
  framesDue = 0;
  framesHeard = 0;
  controlsHeard = 0;
  #lastFrame = -1;
  #rest: Buffer = Buffer.alloc(0);
  readonly faults: string[] = [];

  constructor(id: string, ends: Ends, packets: ReadonlyMap<number, Buffer>) {
    this.id = id;
    this.conn = ends.near;
    this.far = ends.far;
    this.#packets = packets;
    this.far.on('data', (bytes: Buffer) => this.#hear(bytes));
  }

  /** Writes a message as Aedes does: corked until the tick is over. */
  control(payload: Buffer): void {
    const packet = packetOf(CONTROL, payload);
    this.controls.push(generate(packet));
    if (this.conn.writable) writeToStream(packet, this.conn);
  }

  #hear(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const length = packetLength(this.#rest);
      if (length === null || this.#rest.length < length) return;
      this.#judge(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
    }
  }

  #judge(packet: Buffer): void {
    const control = this.controls[this.controlsHeard];
    if (control !== undefined && packet.equals(control)) {
      this.controlsHeard += 1;
      return;
    }
    const number =
      packet.indexOf(TOPIC) > 0 ? packet.readUInt32BE(packet.indexOf(TOPIC) + TOPIC.length + 16) : -1;
    const isWhole = this.#packets.get(number)?.equals(packet) === true;
    if (!isWhole) this.faults.push(`after frame ${this.#lastFrame}: no packet that was sent`);
    else if (number <= this.#lastFrame) this.faults.push(`frame ${number} after ${this.#lastFrame}`);
    else if (number < this.firstFrame) this.faults.push(`frame ${number}, meant for an earlier connection`);
    this.#lastFrame = number;
    this.framesHeard += 1;
  }
}

/** Bytes of the first packet, from its fixed header (MQTT 3.1.1 §2.2.3); null where the header is not whole. */
function packetLength(bytes: Buffer): number | null {
  let length = 0;
  for (let digit = 0; digit < 4; digit += 1) {
    const byte = bytes[1 + digit];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 128 ** digit;
    if (byte < 0x80) return 2 + digit + length;
  }
  throw new Error('no MQTT');
}

/** A table with subscribers that come, stop reading, go on, leave and break, by chance. */
class Turmoil {
  readonly #yard: Yard;
  readonly #random: (end: number) => number;
  readonly #writers: Writers;
  readonly #clock = new TestClock();
  readonly #packets = new Map<number, Buffer>();
  readonly #dropped = new Map<string, number>();
  readonly #table: StreamTable;
  readonly all: Party[] = [];
  #alive: Party[] = [];
  #published = 0;

  constructor(yard: Yard, writers: Writers, random: (end: number) => number) {
    this.#yard = yard;
    this.#writers = writers;
    this.#random = random;
    const tally = {
      delivered: () => undefined,
      waited: () => undefined,
      spread: () => undefined,
      dropped: (id: string, { expired, overflow }: Dropped) =>
        void this.#dropped.set(id, (this.#dropped.get(id) ?? 0) + expired + overflow),
    };
    this.#table = new StreamTable({ clock: this.#clock, tally }, writers);
  }

  get droppedFrames(): number {
    return [...this.#dropped.values()].reduce((sum, count) => sum + count, 0);
  }

  async join(): Promise<void> {
    const ends = await this.#yard.open();
    this.#writers.bound(ends.socket);
    this.#writers.allowDirect(ends.near);
    const party = new Party(`party ${this.all.length}`, ends, this.#packets);
    party.firstFrame = this.#published;
    this.all.push(party);
    this.#alive.push(party);
    // As the door does it: only once the connection is gone.
    party.conn.once('close', () => this.#table.removeClient(party));
    this.#table.add(TOPIC, party);
  }

  /** One of the things that can happen, most often a packet. */
  step(): void {
    const party = this.#alive[this.#random(this.#alive.length)];
    const dice = this.#random(100);
    if (dice < 60) this.#publish();
    else if (dice < 80) party?.control(this.#bytes(this.#random(400)));
    else if (dice < 90) party?.far.pause();
    else if (dice < 94) party?.far.resume();
    else if (dice < 98) this.#clock.advance(this.#random(400));
    else if (party !== undefined) this.#leave(party);
  }

  get missing(): number {
    return CONNECTIONS - this.#alive.length;
  }

  /** Lets everybody read, and resolves once those that are still here have all that they were sent, or somebody has not. */
  async settle(): Promise<void> {
    for (const party of this.#alive) party.far.resume();
    const isOver = ({ faults }: Party): boolean => faults.length > 0;
    await until(() => this.all.some(isOver) || this.#alive.every((party) => this.#isComplete(party)));
  }

  close(): void {
    for (const { conn, far } of this.all) {
      far.destroy();
      conn.destroy();
    }
    this.#yard.close();
  }

  #isComplete(party: Party): boolean {
    const frames = party.framesHeard + (this.#dropped.get(party.id) ?? 0);
    return party.controlsHeard === party.controls.length && frames === party.framesDue;
  }

  /** Its end may be anybody's, and packets come within the same tick. */
  #leave(party: Party): void {
    this.#alive = this.#alive.filter((each) => each !== party);
    const way = this.#random(3);
    if (way === 0) party.conn.destroy();
    else if (way === 1) party.conn.end();
    else party.far.destroy();
    this.#publish();
  }

  #publish(): void {
    const payload = this.#bytes(this.#size());
    const number = this.#published;
    this.#published += 1;
    // The header of an audio packet, as far as the broker reads it; the number stands where the length of frames does.
    payload.writeUInt32BE(0x01_00_03_00, 0);
    payload.writeBigUInt64BE(BigInt(addMs(this.#clock.now(), this.#random(3_000))), 8);
    payload.writeUInt32BE(number, 16);
    this.#packets.set(number, generate(packetOf(TOPIC, payload)));
    for (const party of this.#alive) party.framesDue += 1;
    this.#table.publish(TOPIC, payload);
  }

  /** Mostly as in service, sometimes as large as an audio packet gets, now and then more than a buffer holds. */
  #size(): number {
    const dice = this.#random(100);
    if (dice < 80) return 150 + this.#random(250);
    return dice < 98 ? this.#random(8_000) : 50_000 + this.#random(200_000);
  }

  #bytes(size: number): Buffer {
    return Buffer.alloc(HEADER_BYTES + size, `${this.#random(1_000_000)},`);
  }
}

async function stir(yard: Yard, writers: Writers, steps: number): Promise<Turmoil> {
  const random = seeded(5);
  const turmoil = new Turmoil(yard, writers, random);
  onTestFinished(() => turmoil.close());
  for (let step = 0; step < steps; step += 1) {
    while (turmoil.missing > 0) await turmoil.join();
    // Several things in one tick, then time for what they bring about.
    for (let count = 1 + random(4); count > 0; count -= 1) turmoil.step();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await turmoil.settle();
  return turmoil;
}

function expectAllWell({ all, droppedFrames }: Turmoil, steps: number): void {
  expect(all.flatMap(({ id, faults }) => faults.slice(0, 3).map((fault) => `${id}: ${fault}`))).toEqual([]);
  expect(all.length).toBeGreaterThan(CONNECTIONS * 1.2);
  expect(droppedFrames).toBeGreaterThan(0);
  expect(all.reduce((sum, { framesHeard }) => sum + framesHeard, 0)).toBeGreaterThan(30 * steps);
}

const isLinux = process.platform === 'linux';

test.runIf(isLinux)(
  'send: packets come whole and in order, whatever the kernel takes and whoever leaves',
  { timeout: 120_000 * inject('soak') },
  async () => {
    const kernel = new StingyKernel(await openKernel(), seeded(9));
    const writers = new Writers('send', async () => Promise.resolve(kernel));
    expect(await writers.start()).toEqual({ writer: 'send', isUnsentBounded: true, objection: '' });
    kernel.isStingy = true;
    expectAllWell(await stir(await yards.tcp(), writers, STEPS), STEPS);
    const { whole, short, none } = kernel.counts;
    expect(Math.min(whole, short, none)).toBeGreaterThan(100);
  },
);

test.each(['tcp', 'tls', 'websocket'] as const)(
  'socket-write over %s: packets come whole and in order, whoever leaves',
  { timeout: 120_000 * inject('soak') },
  async (name) => {
    const writers = new Writers('socket-write');
    expect(await writers.start()).toMatchObject({ writer: 'socket-write' });
    const steps = name === 'tcp' ? STEPS : FEWER_STEPS;
    expectAllWell(await stir(await yards[name](), writers, steps), steps);
  },
);

const broken: Kernel = { send: () => -1, boundUnsent: () => true };

test('where the kernel cannot be reached past Node, Node writes, and the state says why', async () => {
  const missing = async (): Promise<Kernel> => Promise.reject(new Error('no koffi'));
  const start = async (choice: WriterChoice, kernel = missing): Promise<unknown> =>
    new Writers(choice, kernel).start();
  const node = { writer: 'socket-write', isUnsentBounded: false };
  expect(await start('auto')).toEqual({ ...node, objection: 'no koffi' });
  expect(await start('auto', async () => Promise.resolve(broken))).toEqual({
    ...node,
    objection: 'send is refused',
  });
  await expect(start('send')).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    details: { variable: 'LOALANG_BROKER_WRITER' },
  });
});

test('the log says at the start how packets are written', async () => {
  const log = new LogLines();
  const village = await TestVillage.start({ log: log.logger, writer: 'socket-write' });
  onTestFinished(async () => village.close());
  expect(log.lines.find((line) => line.includes('broker ready'))).toContain('"writer":"socket-write"');
  expect(village.broker.snapshot().writer).toMatchObject({ writer: 'socket-write' });
});

test('only what a listener calls plain TCP is written to past Node', async () => {
  const writers = new Writers('auto', openKernel);
  const { writer } = await writers.start();
  const yard = await yards.tcp();
  const [plain, other] = [await yard.open(), await yard.open()];
  onTestFinished(() => {
    for (const end of [plain.near, plain.far, other.near, other.far]) end.destroy();
    yard.close();
  });
  writers.allowDirect(plain.near);
  expect(writers.of(plain.near).name).toBe(writer);
  expect(writers.of(other.near).name).toBe('socket-write');
});
