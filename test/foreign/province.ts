import { mkdtemp, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { createConsole, type Console } from '@loalang/web-console';
import { Agent, systemClock } from '@loalang/device-agent';
import {
  createScheduler,
  ensureClientAuthority,
  TimeService,
  type LiveSession,
  type Scheduler,
} from '@loalang/scheduler';
import { createTestDatabase } from '@loalang/scheduler/testing';
import { addMs, fromUnixMs, type BroadcastDetail, type Person } from '@loalang/shared';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import type { ClientAuthority } from '@loalang/shared/signing';
import { z } from 'zod';
import { BenchBoard, TapSink } from '../../device-agent/src/testing/bench-board.ts';
import { makeTone } from '../speech.ts';
import { eventually } from './engine.ts';

const connectedSchema = z.object({
  role: z.literal('platform'),
  msg: z.literal('connected to the broker'),
  port: z.number(),
});
const reachedSchema = z.object({
  index: z.number(),
  msg: z.literal('the broker is reached'),
  port: z.number(),
});
const UNIT = 'an-lac';
const PACKET_FRAMES = 3;
const FRAME_MS = 20;
const PACKET_MS = PACKET_FRAMES * FRAME_MS;
/** Of a tone that peaks at 0.27. */
const SILENCE = 0.01;
/** On a machine that is busy with something else. */
const FETCH_MS = 10_000;

export interface Surroundings {
  /** Where the broker is; for a receiver, the same addresses in another order. */
  readonly brokerUrl: string;
  readonly receiverUrl?: (index: number) => string;
  /** PEM: whose certificate the broker has. */
  readonly ca: string;
}

/** The whole platform and real agents, around a broker that is not ours. Its data folder is there before the broker. */
export class Province {
  readonly folder: string;
  readonly authority: ClientAuthority;
  readonly agents: Agent[] = [];
  readonly #taps: TapSink[] = [];
  readonly #log: Logger = pino(
    { level: process.env['LOALANG_TEST_LOG'] ?? 'info' },
    { write: (line: string) => this.#take(line) },
  );
  readonly #closers: (() => Promise<unknown>)[] = [];
  #scheduler: Scheduler | null = null;
  #person: Person | null = null;
  #platformPort = 0;
  readonly #receiverPorts: number[] = [];

  private constructor(folder: string, authority: ClientAuthority) {
    this.folder = folder;
    this.authority = authority;
  }

  /** A data folder with the authority that brokers have to know. */
  static async prepare(): Promise<Province> {
    const folder = await mkdtemp(join(tmpdir(), 'loalang-foreign-'));
    const authority = await ensureClientAuthority(join(folder, 'keys'), fromUnixMs(Date.now()));
    return new Province(folder, authority);
  }

  get scheduler(): Scheduler {
    if (this.#scheduler === null) throw new Error('the platform is not started');
    return this.#scheduler;
  }

  get person(): Person {
    if (this.#person === null) throw new Error('the platform is not started');
    return this.#person;
  }

  /** Of the several addresses, the port of the one that the platform is connected to. */
  get platformPort(): number {
    return this.#platformPort;
  }

  /** The same of a receiver. */
  receiverPort(index: number): number {
    return this.#receiverPorts[index] ?? 0;
  }

  /** Platform, console and time service; returns the ids of the receivers that may join. */
  async startPlatform({ brokerUrl: url, ca }: Surroundings, receivers: number): Promise<string[]> {
    const database = await createTestDatabase();
    this.#closers.push(() => database.close());
    const broker = { url, name: 'loalang', ca };
    const scheduler = await createScheduler({
      dataFolder: this.folder,
      databaseUrl: database.url,
      broker,
      sample: sampleOf(receivers),
      log: this.#log,
    });
    this.#closers.push(() => scheduler.close());
    const time = new TimeService({ dataFolder: this.folder, broker, log: this.#log });
    await time.start();
    this.#closers.push(() => time.close());
    this.#scheduler = scheduler;
    const who = { username: 'an-lac', name: 'An Lạc', role: 'operator', unitId: UNIT } as const;
    this.#person = await scheduler.people.ensure(who);
    const { devices } = await scheduler.broadcasts.today(this.#person);
    return devices.map(({ id }) => id);
  }

  /** Real agents, each of which joins, connects and knows the time. */
  async startReceivers({ brokerUrl, receiverUrl, ca }: Surroundings, count: number): Promise<void> {
    const console: Console = await createConsole({
      platform: this.scheduler,
      uiFolder: join(this.folder, 'no-ui'),
      log: this.#log,
    });
    const port = await console.listen({ port: 0, host: '127.0.0.1' });
    this.#closers.push(() => console.close());
    for (let index = 0; index < count; index += 1) {
      const sink = new TapSink(systemClock);
      this.#taps.push(sink);
      const agent = new Agent({
        dataFolder: join(this.folder, `receiver-${index}`),
        platformUrl: `http://127.0.0.1:${port}`,
        rootKey: this.scheduler.rootPublic,
        joinCode: codeOf(index),
        brokerUrl: receiverUrl?.(index) ?? brokerUrl,
        brokerCa: ca,
        // Each begins with the first of its addresses.
        random: () => 0,
        board: new BenchBoard(),
        sink,
        log: this.#log.child({ index }),
      });
      this.agents.push(agent);
      this.#closers.push(() => agent.close());
      await agent.start();
    }
    await eventually(async () => {
      const { devices } = await this.scheduler.broadcasts.today(this.person);
      return devices.every(({ state }) => state === 'ready');
    });
  }

  /** A file, as soon as every receiver has surely fetched it. */
  async playFile(seconds: number): Promise<BroadcastDetail> {
    const path = join(this.folder, 'tone.mp3');
    makeTone(path, seconds);
    const { library, broadcasts } = this.scheduler;
    const meta = { filename: 'Thông báo.mp3', personId: this.person.id };
    const { id: audioId } = await library.ingest(createReadStream(path), meta);
    const { id } = await broadcasts.sendFile(this.person, {
      audioId,
      title: 'Thông báo',
      unitIds: [UNIT],
      startAt: addMs(this.scheduler.clock.now(), FETCH_MS),
      priority: 'normal',
    });
    return this.#proved(id);
  }

  /** A voice for so many seconds; `during` is called once every receiver sounds it. */
  async speak(
    seconds: number,
    during: (session: LiveSession) => Promise<void> = async () => {},
  ): Promise<BroadcastDetail> {
    const session = await this.scheduler.air.goLive(this.person, {
      type: 'start',
      title: 'Nói trực tiếp',
      unitIds: [UNIT],
      codec: 'opus',
      // The longest, since machines that run tests are busy.
      latency: 'sure',
    });
    const tone = await makeFrames();
    const speaking = this.#push(session, tone, seconds);
    await this.#allSound(session.broadcastId);
    await during(session);
    await speaking;
    await session.end();
    return this.#proved(session.broadcastId);
  }

  /** For how long a receiver was silent in the span that begins then (monotonic, microseconds). */
  silenceMs(index: number, fromUs: number, durationMs: number): number {
    const samples = this.#taps[index]?.heard(fromUs, durationMs) ?? new Float32Array();
    let silentMs = 0;
    for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
      const peak = samples
        .subarray(at, at + FRAME_SAMPLES)
        .reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      if (peak < SILENCE) silentMs += FRAME_MS;
    }
    return silentMs;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #take(line: string): void {
    const entry: unknown = JSON.parse(line);
    const connected = connectedSchema.safeParse(entry);
    if (connected.success) this.#platformPort = connected.data.port;
    const reached = reachedSchema.safeParse(entry);
    if (reached.success) this.#receiverPorts[reached.data.index] = reached.data.port;
    if (process.env['LOALANG_TEST_LOG'] !== undefined) process.stderr.write(line);
  }

  async #allSound(broadcastId: string): Promise<void> {
    await eventually(async () => {
      const { devices } = await this.scheduler.broadcasts.today(this.person);
      return devices.every(({ playing }) => playing?.broadcastId === broadcastId);
    });
  }

  async #proved(id: string): Promise<BroadcastDetail> {
    const isOver = ({ state }: BroadcastDetail['receipts'][number]): boolean =>
      state === 'played' || state === 'partial' || state === 'missed';
    let detail = await this.scheduler.broadcasts.detail(this.person, id);
    await eventually(async () => {
      detail = await this.scheduler.broadcasts.detail(this.person, id);
      return detail.receipts.every(isOver);
    });
    return detail;
  }

  /** As a browser sends them: three frames when they have been spoken. */
  async #push(session: LiveSession, tone: readonly Uint8Array[], seconds: number): Promise<void> {
    const startedAt = performance.now();
    for (let packet = 0; packet * PACKET_MS < seconds * 1000; packet += 1) {
      const waitMs = startedAt + packet * PACKET_MS - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      session.pushFrames(tone.slice(0, PACKET_FRAMES));
    }
  }
}

async function makeFrames(): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder();
  const step = (2 * Math.PI * 440) / 48_000;
  const frames = Array.from({ length: PACKET_FRAMES }, (_, index) =>
    encoder.encode(
      Int16Array.from({ length: FRAME_SAMPLES }, (__, n) =>
        Math.round(9_000 * Math.sin(step * (index * FRAME_SAMPLES + n))),
      ),
    ),
  );
  encoder.close();
  return frames;
}

function codeOf(index: number): string {
  return `AAAAAAA${'ABCDEFGH'[index] ?? 'X'}`;
}

function sampleOf(receivers: number) {
  return {
    units: [
      { id: 'district', parentId: null, kind: 'district' as const, name: 'Lục Yên' },
      { id: UNIT, parentId: 'district', kind: 'commune' as const, name: 'An Lạc' },
    ],
    devices: Array.from({ length: receivers }, (_, index) => ({
      unitId: UNIT,
      number: index + 1,
      name: `Loa ${index + 1}`,
      joinCode: codeOf(index),
    })),
  };
}
