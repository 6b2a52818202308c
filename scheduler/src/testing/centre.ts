/** The whole broadcast centre on a database of its own and a plain broker, with three villages and three people. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Person } from '@loalang/shared';
import pino from 'pino';
import { schema, type Database } from '../database/index.ts';
import { createTestDatabase } from '../database/testing.ts';
import type { Scheduler } from '../face.ts';
import { createScheduler, type SchedulerConfig } from '../scheduler.ts';
import { TimeService } from '../time/index.ts';
import type { Sample } from '../units/index.ts';
import { PlainBroker } from './plain-broker.ts';
import { TestReceiver } from './test-receiver.ts';

export const BROKER_NAME = 'test-broker';
export const codes = ['AAAA2222', 'BBBB3333', 'CCCC4444'] as const;

const sample: Sample = {
  units: [
    { id: 'district', parentId: null, kind: 'district', name: 'Lục Yên' },
    { id: 'an-lac', parentId: 'district', kind: 'commune', name: 'An Lạc' },
    { id: 'mai-son', parentId: 'district', kind: 'commune', name: 'Mai Sơn' },
    { id: 'empty', parentId: 'district', kind: 'commune', name: 'Minh Xuân' },
  ],
  devices: [
    { unitId: 'an-lac', number: 1, name: 'Loa 1', joinCode: codes[0] },
    { unitId: 'an-lac', number: 2, name: 'Loa 2', joinCode: codes[1] },
    { unitId: 'mai-son', number: 1, name: 'Loa 1', joinCode: codes[2] },
  ],
};

export class Centre {
  readonly broker = new PlainBroker();
  readonly receivers: TestReceiver[] = [];
  readonly #log = pino({ level: process.env['LOALANG_TEST_LOG'] ?? 'silent' }, pino.destination(2));
  #database: Database | null = null;
  #folder = '';
  #scheduler: Scheduler | null = null;
  #time: TimeService | null = null;
  #live: NonNullable<SchedulerConfig['live']> = {};

  get scheduler(): Scheduler {
    if (this.#scheduler === null) throw new Error('the centre is not started');
    return this.#scheduler;
  }

  get db(): Database['db'] {
    if (this.#database === null) throw new Error('the centre is not started');
    return this.#database.db;
  }

  /** Everything up; three receivers joined, connected and with their first states. */
  async start(live: NonNullable<SchedulerConfig['live']> = {}): Promise<void> {
    this.#live = live;
    this.#folder = await mkdtemp(join(tmpdir(), 'centre-'));
    this.#database = await createTestDatabase();
    await this.broker.start();
    await this.startScheduler();
    const broker = { url: this.broker.url, name: BROKER_NAME };
    this.#time = new TimeService({ dataFolder: this.#folder, broker, log: this.#log });
    await this.#time.start();
    for (const code of codes) {
      const receiver = await TestReceiver.join(this.scheduler, code);
      await receiver.connect(this.broker.url);
      this.receivers.push(receiver);
    }
    await Promise.all(
      this.receivers.map(async ({ plans, nows }) => {
        await plans.find('a first plan', () => true);
        await nows.find('a first state', () => true);
      }),
    );
  }

  async startScheduler(): Promise<void> {
    this.#scheduler = await createScheduler({
      dataFolder: this.#folder,
      databaseUrl: this.#database?.url ?? '',
      broker: { url: this.broker.url, name: BROKER_NAME },
      sample,
      live: this.#live,
      log: this.#log,
    });
  }

  async stopScheduler(): Promise<void> {
    await this.#scheduler?.close();
    this.#scheduler = null;
  }

  async close(): Promise<void> {
    await Promise.all(this.receivers.map(async (receiver) => await receiver.close()));
    await this.stopScheduler();
    await this.#time?.close();
    await this.broker.stop();
    await this.#database?.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async person(username: string, unitId: string): Promise<Person> {
    return await this.scheduler.people.ensure({ username, name: username, role: 'operator', unitId });
  }

  /** A sound of the library: its row alone, since nothing here plays it. */
  async addAudio(by: Person, durationMs = 10_000): Promise<string> {
    const [row] = await this.db
      .insert(schema.audio)
      .values({
        title: 'Thông báo',
        sha256: createHash('sha256').update(String(durationMs)).digest('hex'),
        bytes: 30_000,
        durationMs,
        peaks: [],
        createdAt: this.scheduler.clock.now(),
        createdBy: by.id,
      })
      .returning({ id: schema.audio.id });
    if (row === undefined) throw new Error('no row');
    return row.id;
  }

  receiver(index: number): TestReceiver {
    const receiver = this.receivers[index];
    if (receiver === undefined) throw new RangeError(`no receiver ${index}`);
    return receiver;
  }
}
