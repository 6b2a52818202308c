import { generateSigningKey } from '@loalang/shared/signing';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const END_WITHIN_MS = 3_000;
let folder = '';
let child: ChildProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'receivers-'));
  const devices = ['AAAAAAAA', 'BBBBBBBB'].map((joinCode, index) => ({
    unitId: 'an-lac',
    number: index + 1,
    name: `${index + 1}`,
    joinCode,
  }));
  writeFileSync(join(folder, 'sample.json'), JSON.stringify({ units: [], devices }));
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the receivers with nobody at the other end, which must not keep them from being up. */
function start(environment: Record<string, string> = {}): ChildProcess {
  child = fork(main, {
    execArgv: ['--import', 'tsx'],
    env: {
      ...process.env,
      LOALANG_DATA: join(folder, 'data'),
      LOALANG_PLATFORM_URL: 'http://127.0.0.1:9',
      LOALANG_BROKER_URL: 'mqtt://127.0.0.1:9',
      LOALANG_ROOT_KEY: generateSigningKey().public,
      LOALANG_SAMPLE: join(folder, 'sample.json'),
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return child;
}

test.each([
  ['SIGTERM', (started: ChildProcess) => started.kill('SIGTERM')],
  ['SIGINT', (started: ChildProcess) => started.kill('SIGINT')],
  ['the end of its parent', (started: ChildProcess) => started.disconnect()],
])('the receivers say that they are up, and end within 3 s of %s', async (_what, tell) => {
  const started = start();
  expect((await once(started, 'message'))[0]).toEqual({ type: 'ready', devices: 2 });
  const toldAtMs = performance.now();
  tell(started);
  expect(await once(started, 'exit')).toEqual([0, null]);
  expect(performance.now() - toldAtMs).toBeLessThan(END_WITHIN_MS);
});

test('a wrong environment is told in one sentence to parent and log, and ends the process', async () => {
  const started = start({ LOALANG_ROOT_KEY: 'short' });
  const messages: unknown[] = await once(started, 'message');
  expect(messages[0]).toMatchObject({ type: 'failed' });
  expect(JSON.stringify(messages)).toContain('Cấu hình sai ở LOALANG_ROOT_KEY');
  expect(await once(started, 'exit')).toEqual([1, null]);
});
