import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSystem, type System } from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
let system: System;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  await system?.interrupt();
  await rm(system.data, { recursive: true, force: true });
});

/** A start that is expected to fail: what it says, and its exit code. */
function failedStart(env: Record<string, string>): { said: string; status: number | null } {
  const ports = { LOALANG_HTTP_PORT: '0', LOALANG_BROKER_PORT: '0' };
  const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/start.mjs'], {
    cwd: root,
    env: { ...process.env, ...ports, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { said: stdout + stderr, status };
}

describe('npm start', { timeout: 180_000 }, () => {
  test('shows what runs, the address, a sign-in link and where data lie', () => {
    const screen = system.screen();
    expect(screen).toContain('Loa Làng is running.');
    expect(screen).toMatch(/console +http:\/\/127\.0\.0\.1:\d+\n/);
    expect(screen).toMatch(/sign in once +http:\/\/127\.0\.0\.1:\d+\/vao\?ma=[\w-]{20,}\n/);
    expect(screen).toContain('20 simulated');
    expect(screen).toContain(system.data);
  });

  test('a second time on the same data says so in one sentence and disturbs nothing', async () => {
    const { said, status } = failedStart({ LOALANG_DATA: system.data });
    expect(status).toBe(1);
    expect(said).toContain('already runs on');
    expect(said).not.toContain('    at ');
    expect((await fetch(`${system.url}/api/health`)).status).toBe(200);
  });

  test('on a port in use names the port and the variable that changes it', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const { said, status } = failedStart({
      LOALANG_DATA: `${system.data}-other`,
      LOALANG_HTTP_PORT: String(port),
    });
    server.close();
    await rm(`${system.data}-other`, { recursive: true, force: true });
    expect(status).toBe(1);
    expect(said).toContain(`Port ${port} is in use`);
    expect(said).toContain('LOALANG_HTTP_PORT');
  });

  test('with a wrong setting or a place that can not be written names it', () => {
    const wrongPort = failedStart({ LOALANG_BROKER_PORT: 'mqtt' });
    expect(wrongPort.status).toBe(1);
    expect(wrongPort.said).toContain('LOALANG_BROKER_PORT');
    const noFolder = failedStart({ LOALANG_DATA: '/dev/null/loalang' });
    expect(noFolder.status).toBe(1);
    expect(noFolder.said).toContain('LOALANG_DATA');
  });

  test('works after kill -9 without a hand, and Ctrl-C then ends everything within five seconds', async () => {
    system.process.kill('SIGKILL');
    system = await startSystem({ data: system.data });
    expect((await fetch(`${system.url}/api/health`)).status).toBe(200);
    const asked = performance.now();
    expect(await system.interrupt()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    await expect(fetch(`${system.url}/api/health`)).rejects.toThrow();
    const left = spawnSync('pgrep', ['-f', system.data], { encoding: 'utf8' }).stdout.trim();
    expect(left).toBe('');
  });
});
