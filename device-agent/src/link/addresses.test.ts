import { createServer, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Agent } from '../agent.ts';
import { systemClock } from '../clock/index.ts';
import { PacedNullSink } from '../sink/index.ts';
import { Authority } from '../testing/authority.ts';
import { BenchBoard } from '../testing/bench-board.ts';
import { portOf } from '../testing/port-of.ts';
import { StandIn } from '../testing/stand-in.ts';

let folder: string;
let platform: StandIn;
let agent: Agent;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-addresses-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
});
afterEach(async () => {
  await agent.close();
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

function start(brokerUrl: string, random: () => number): Promise<void> {
  agent = new Agent({
    dataFolder: folder,
    platformUrl: platform.httpUrl,
    rootKey: platform.authority.root.public,
    joinCode: 'ABCDEFGH',
    brokerUrl,
    board: new BenchBoard(),
    sink: new PacedNullSink({ clock: systemClock }),
    random,
  });
  return agent.start();
}

test('a receiver whose first broker is down goes on to the next', async () => {
  let tries = 0;
  const down = createServer((socket: Socket) => {
    tries += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => down.listen(0, '127.0.0.1', resolve));
  await start(`mqtt://127.0.0.1:${portOf(down)},${platform.brokerUrl}`, () => 0);
  await platform.until('online', () => platform.statuses.length > 0);
  expect(tries).toBe(1);
  down.close();
});

test('receivers begin anywhere in the list', async () => {
  const unused = 'mqtt://127.0.0.1:1';
  await start(`${unused},${unused},${unused},${platform.brokerUrl}`, () => 0.99);
  await platform.until('online', () => platform.statuses.length > 0);
});
