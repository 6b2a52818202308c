import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Broker } from '@loalang/broker';
import { Agent, type Board, type BoardReading } from '@loalang/device-agent';
import { createScheduler, loadKeys, TimeService, type Database, type Scheduler } from '@loalang/scheduler';
import { createTestDatabase, keepLine } from '@loalang/scheduler/testing';
import { fromUnixMs, type Person } from '@loalang/shared';
import { createConsole, type Console } from '@loalang/web-console';

/** What tokens for its broker are made for. */
export const NAME = 'loalang';
const units = [
  { id: 'luc-yen', parentId: null, kind: 'district' as const, name: 'Huyện Lục Yên' },
  { id: 'lam-thuong', parentId: 'luc-yen', kind: 'commune' as const, name: 'Xã Lâm Thượng' },
  { id: 'tong-cai', parentId: 'lam-thuong', kind: 'village' as const, name: 'Thôn Tông Cại' },
];
const log = pino({ level: process.env['LOALANG_TEST_LOG'] ?? 'silent' }, pino.destination(2));

/** A board without a battery-backed clock: it knows no hour until the platform tells it. */
export class BareBoard implements Board {
  readonly model = 'bo mạch thử';
  readonly serial: string;
  readonly rtc = null;
  #isAmplifierOn = false;

  constructor(serial: string) {
    this.serial = serial;
  }

  read(): BoardReading {
    const nothing = { temperatureC: null, diskFreeMB: null, memoryFreeMB: null, signalBars: null };
    const isAmplifierOn = this.#isAmplifierOn;
    return { ...nothing, network: 'lan', hasMains: null, isAmplifierOn, amplifierA: null };
  }

  setAmplifier(isOn: boolean): void {
    this.#isAmplifierOn = isOn;
  }
}

/** The real parts of a platform, in one process: database, scheduler, time service, broker, console; and real receivers. */
export class Station {
  readonly #database: Database;
  readonly #folder: string;
  readonly #agents = new Set<Agent>();
  #aheadMs = 0;
  #broker: Broker | null = null;
  #scheduler: Scheduler | null = null;
  #time: TimeService | null = null;
  #console: Console | null = null;
  #brokerPort = 0;
  #consolePort = 0;

  private constructor(database: Database, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  static async start(uiFolder?: string): Promise<Station> {
    const station = new Station(
      await createTestDatabase(),
      await mkdtemp(join(tmpdir(), 'loalang-joining-')),
    );
    await station.#startParts(uiFolder);
    return station;
  }

  get scheduler(): Scheduler {
    if (this.#scheduler === null) throw new Error('not started');
    return this.#scheduler;
  }

  get broker(): Broker {
    if (this.#broker === null) throw new Error('not started');
    return this.#broker;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#consolePort}`;
  }

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.#brokerPort}`;
  }

  get keysFolder(): string {
    return join(this.#folder, 'keys');
  }

  get db(): Database['db'] {
    return this.#database.db;
  }

  async officer(): Promise<Person> {
    const role = 'administrator' as const;
    return await this.scheduler.people.ensure({ username: 'lan', name: 'Lan', role, unitId: 'luc-yen' });
  }

  /** A receiver with this disk; what it plays is written there as WAV. */
  async startAgent(disk: string, serial = 'S-0001', onWiped?: () => void): Promise<Agent> {
    const dataFolder = join(this.#folder, disk);
    await mkdir(this.played(disk), { recursive: true });
    const agent = new Agent({
      dataFolder,
      platformUrl: this.url,
      rootKey: this.scheduler.rootPublic,
      board: new BareBoard(serial),
      sink: { kind: 'wav', folder: this.played(disk) },
      log: log.child({ disk }),
      ...(onWiped === undefined ? {} : { onWiped }),
    });
    this.#agents.add(agent);
    await agent.start();
    return agent;
  }

  /** Where its recordings lie. */
  played(disk: string): string {
    return join(this.#folder, `${disk}-played`);
  }

  file(disk: string, name: string): string {
    return join(this.#folder, disk, name);
  }

  async stopAgent(agent: Agent): Promise<void> {
    this.#agents.delete(agent);
    await agent.close();
  }

  /** Broker and platform end, and start again when so much time has passed for everybody. */
  async letPass(ms: number): Promise<void> {
    await this.#stopParts();
    this.#aheadMs += ms;
    const path = join(this.#folder, 'media-time.json');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the platform wrote it
    const line = JSON.parse(readFileSync(path, 'utf8')) as { mediaUs: number };
    writeFileSync(path, JSON.stringify({ ...line, mediaUs: line.mediaUs + ms * 1_000 }));
    await this.#startParts();
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) await agent.close();
    await this.#stopParts();
    await this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startParts(uiFolder = join(this.#folder, 'no-ui')): Promise<void> {
    const dataFolder = this.#folder;
    if (this.#aheadMs === 0) await keepLine(dataFolder, 0);
    const clock = { now: () => fromUnixMs(Date.now() + this.#aheadMs) };
    const { rootPublic: rootKey } = await loadKeys(this.keysFolder, clock.now());
    const at = { host: '127.0.0.1', port: this.#brokerPort };
    this.#broker = new Broker({ rootKey, name: NAME, ...at, clock, log });
    this.#brokerPort = (await this.#broker.start()).port;
    const broker = { url: this.brokerUrl, name: NAME };
    const sample = { units, devices: [] };
    const databaseUrl = this.#database.url;
    this.#scheduler = await createScheduler({ dataFolder, databaseUrl, broker, sample, log });
    this.#time = new TimeService({ dataFolder, broker, log });
    await this.#time.start();
    this.#console = await createConsole({ platform: this.#scheduler, uiFolder, log });
    this.#consolePort = await this.#console.listen({ host: '127.0.0.1', port: this.#consolePort });
  }

  async #stopParts(): Promise<void> {
    await this.#console?.close();
    await this.#time?.close();
    await this.#scheduler?.close();
    await this.#broker?.close();
  }
}
