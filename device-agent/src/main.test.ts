import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addMs, type PlanItem } from '@loalang/shared';
import { Authority, makePlan } from './testing/authority.ts';
import { StandIn } from './testing/stand-in.ts';
import { encodeAsset, sweep } from './testing/voice.ts';

let folder: string;
let platform: StandIn;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-process-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

function start(): ChildProcess {
  const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      LOALANG_DATA: folder,
      LOALANG_PLATFORM_URL: platform.httpUrl,
      LOALANG_ROOT_KEY: platform.authority.root.public,
      LOALANG_JOIN_CODE: 'ABCDEFGH',
    },
  });
  children.push(child);
  return child;
}

test('killed with -9 while it plays, the receiver goes on after a start, proves once, and keeps its chain', async () => {
  const first = start();
  await platform.until('online', () => platform.statuses.length > 0, 25_000);
  const startAt = addMs(platform.now(), 3_500);
  const asset = platform.addAsset(await encodeAsset(sweep(8_000)));
  const earlier = {
    broadcastId: randomBytes(16).toString('hex'),
    title: '',
    startAt: addMs(startAt, -1_500),
    durationMs: 500,
  };
  const killed = { broadcastId: randomBytes(16).toString('hex'), title: '', startAt, durationMs: 8_000 };
  const items: PlanItem[] = [earlier, killed].map((item) => ({ ...item, priority: 'normal', asset }));
  platform.acknowledges = false;
  await platform.tell(
    'plan',
    await platform.authority.sign('plan', makePlan(1, platform.now(), items)),
    true,
  );
  await platform.until('proof 1', () => platform.proofs.length === 1);
  await platform.until(
    'playing',
    () => platform.statuses.at(-1)?.playing?.broadcastId === killed.broadcastId,
  );
  first.kill('SIGKILL');
  await once(first, 'exit');
  platform.acknowledges = true;
  const seen = platform.statuses.length;
  const second = start();
  await platform.until(
    'playing again',
    () => platform.statuses.slice(seen).some(({ playing }) => playing?.broadcastId === killed.broadcastId),
    25_000,
  );
  await platform.until('proof 2', () => platform.proofs.length === 2, 25_000);
  const [one, two] = platform.proofs;
  expect([one?.seq, two?.seq, two?.chain === one?.chain]).toEqual([1, 2, true]);
  expect(two).toMatchObject({ broadcastId: killed.broadcastId, reason: 'powered-off' });
  expect(two?.frames.played).toBeGreaterThan(0);
  second.kill('SIGTERM');
  await once(second, 'exit');
  expect(second.exitCode).toBe(0);
}, 90_000);

test('a wrong configuration is one sentence that names the variable', async () => {
  const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, LOALANG_DATA: folder, LOALANG_PLATFORM_URL: 'not a url', LOALANG_ROOT_KEY: 'x' },
  });
  children.push(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(1);
  expect(said.trim().split('\n')).toHaveLength(1);
  expect(said).toContain('LOALANG_PLATFORM_URL');
});
