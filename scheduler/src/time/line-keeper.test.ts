import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClockReading, Line } from './line.ts';
import { lineFileOf, readLine } from './line-file.ts';
import { LineFollower } from './line-follower.ts';
import { LineKeeper } from './line-keeper.ts';
import { readClocks } from './machine-clocks.ts';
import { MediaClock } from './media-clock.ts';

const S = 1_000_000;
const HOUR = 3_600 * S;
let folder: string;
const keepers: LineKeeper[] = [];
const said: string[] = [];
const log = pino({ level: 'info' }, { write: (text: string) => void said.push(text) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'line-'));
  said.length = 0;
});
afterEach(async () => {
  await Promise.all(keepers.splice(0).map(async (keeper) => await keeper.close()));
  await rm(folder, { recursive: true });
});

/** The clocks of a machine, in the hands of a test. */
class Machine {
  bootId = 'a';
  wallUs = 1e15;
  monotonicUs = 50 * S;
  apartUs = 0;
  readonly read = (): ClockReading => ({
    bootId: this.bootId,
    wallUs: this.wallUs,
    monotonicUs: this.monotonicUs,
    apartUs: this.apartUs,
  });

  pass(us: number): void {
    this.wallUs += us;
    this.monotonicUs += us;
  }

  sleep(us: number): void {
    this.wallUs += us;
    this.apartUs += us;
  }

  follow(): LineFollower {
    return new LineFollower(folder, { read: this.read, monotonicUs: () => this.monotonicUs });
  }
}

async function keep(machine: Machine, onTaken = (): void => undefined): Promise<LineKeeper> {
  const keeper = new LineKeeper({
    dataFolder: folder,
    log,
    read: machine.read,
    // Tests look themselves.
    after: () => ({ cancel: () => undefined }),
    onTaken,
  });
  keepers.push(keeper);
  await keeper.start();
  return keeper;
}

function clockOf(machine: Machine, line: () => Line): MediaClock {
  return new MediaClock(line, () => machine.monotonicUs);
}

test('who follows reads what is kept, from the next look on', async () => {
  const machine = new Machine();
  const keeper = await keep(machine);
  const follower = machine.follow();
  const clocks = [clockOf(machine, keeper.line), clockOf(machine, () => follower.line())];
  machine.wallUs += 40_000;
  for (let second = 0; second < 600; second += 1) {
    machine.pass(S);
    await keeper.look();
    const [kept = 0, followed = 0] = clocks.map((clock) => clock.now());
    expect(Math.abs(kept - followed)).toBeLessThanOrEqual(1);
  }
  expect(Math.abs((clocks[1]?.now() ?? 0) - machine.wallUs)).toBeLessThan(1_000);
  expect(follower.isKept()).toBe(true);
});

test('a sleep of the machine is carried at the next look, for all', async () => {
  const machine = new Machine();
  const keeper = await keep(machine);
  const follower = machine.follow();
  machine.sleep(HOUR);
  machine.pass(S / 2);
  await keeper.look();
  expect(clockOf(machine, () => follower.line()).now()).toBe(machine.wallUs);
});

test('a system clock that is set moves nothing, is told once, and once more when it agrees again', async () => {
  const machine = new Machine();
  const keeper = await keep(machine);
  const clock = clockOf(machine, keeper.line);
  const before = clock.now();
  machine.wallUs -= HOUR;
  for (const seconds of [10, 10, 10]) {
    machine.pass(seconds * S);
    await keeper.look();
  }
  expect(Math.abs(clock.now() - before - 30 * S)).toBeLessThan(3_001);
  expect(said.filter((text) => text.includes('is off media time'))).toHaveLength(1);
  machine.wallUs += HOUR;
  machine.pass(10 * S);
  await keeper.look();
  expect(said.filter((text) => text.includes('agree again'))).toHaveLength(1);
});

test('another keeper goes on where the one before was, and so does who follows while there is none', async () => {
  const machine = new Machine();
  const first = await keep(machine);
  await first.close();
  machine.wallUs += HOUR;
  machine.pass(HOUR);
  const alone = machine.follow();
  expect(alone.isKept()).toBe(false);
  const atUs = clockOf(machine, () => alone.line()).now();
  const second = await keep(machine);
  expect(clockOf(machine, second.line).now()).toBe(atUs);
  expect(second.line().epoch).toBe(2);
  expect(alone.isKept()).toBe(false);
  machine.pass(S);
  expect(alone.isKept()).toBe(true);
});

test('after a start of the machine it begins from the system clock, and never before what was kept', async () => {
  const machine = new Machine();
  await (await keep(machine)).close();
  const kept = readLine(lineFileOf(folder));
  Object.assign(machine, { bootId: 'b', monotonicUs: S, wallUs: 1e9 });
  expect(machine.follow().line().mediaUs).toBe(kept?.mediaUs);
  const keeper = await keep(machine);
  expect(keeper.line()).toMatchObject({ bootId: 'b', mediaUs: kept?.mediaUs, epoch: 2 });
  expect(said.some((text) => text.includes('is off media time'))).toBe(true);
});

test('who runs before the time service takes its line as soon as it is there', async () => {
  const machine = new Machine();
  const follower = machine.follow();
  machine.wallUs += 5_000;
  const keeper = await keep(machine);
  machine.pass(S);
  expect(follower.line()).toEqual(keeper.line());
});

test.each([
  '',
  '{"bootId":"a","epoch":1,"monot',
  '[]',
  'null',
  '{"bootId":"a","epoch":1,"monotonicUs":-1}',
  '{"bootId":"a","epoch":1,"monotonicUs":0,"mediaUs":1e300,"pullUs":0,"apartUs":0}',
  '\0\0\0',
])('a file that holds no line is as none: %j', async (text) => {
  await writeFile(lineFileOf(folder), text);
  const machine = new Machine();
  expect(machine.follow().line().mediaUs).toBe(1e15);
  expect((await keep(machine)).line()).toMatchObject({ epoch: 1, mediaUs: 1e15 });
});

test('a file that can not be read is overlooked by who follows, and no reason to begin anew for who keeps', async () => {
  const machine = new Machine();
  const follower = machine.follow();
  const before = follower.line();
  await mkdir(lineFileOf(folder));
  machine.pass(S);
  expect(follower.line()).toBe(before);
  await expect(keep(machine)).rejects.toThrow('EISDIR');
});

test('a line that can not be written is not gone by either: all stay on the old one', async () => {
  const machine = new Machine();
  const keeper = await keep(machine);
  const before = keeper.line();
  await mkdir(`${lineFileOf(folder)}.draft`);
  machine.pass(10 * S);
  await expect(keeper.look()).rejects.toThrow('EISDIR');
  expect(keeper.line()).toBe(before);
  await rm(`${lineFileOf(folder)}.draft`, { recursive: true });
  await keeper.look();
  expect(keeper.line().monotonicUs).toBe(60 * S);
});

test('a keeper that finds a later one in the file writes no more', async () => {
  const machine = new Machine();
  let taken = 0;
  const first = await keep(machine, () => (taken += 1));
  await keep(machine);
  const kept = await readFile(lineFileOf(folder), 'utf8');
  machine.pass(10 * S);
  await first.look();
  expect(taken).toBe(1);
  expect(await readFile(lineFileOf(folder), 'utf8')).toBe(kept);
});

test('the clocks of this machine are read close together', () => {
  const [first, second] = [readClocks(), readClocks()];
  expect(second.bootId).toBe(first.bootId);
  expect(second.monotonicUs).toBeGreaterThan(first.monotonicUs);
  expect(second.apartUs === null || second.apartUs > -30_000).toBe(true);
});
