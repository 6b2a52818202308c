import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase } from '@loalang/scheduler/testing';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const readySchema = z.object({ type: z.literal('ready'), port: z.number(), signInUrl: z.url().optional() });
const sample = {
  units: [{ id: 'an-lac', parentId: null, kind: 'commune', name: 'Xã An Lạc' }],
  devices: [{ unitId: 'an-lac', number: 1, name: 'Loa 1', joinCode: 'ABCD2345' }],
};

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'loalang-main-'));
  await writeFile(join(folder, 'sample.json'), JSON.stringify(sample));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}): ChildProcess {
  const child = fork(MAIN, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      LOALANG_DATA: join(folder, 'data'),
      DATABASE_URL: database.url,
      LOALANG_HTTP_PORT: '0',
      LOALANG_BROKER_URL: 'mqtt://127.0.0.1:1',
      LOALANG_SAMPLE: join(folder, 'sample.json'),
      LOALANG_LOG_LEVEL: 'fatal',
      ...environment,
    },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const [message] = z
    .tuple([z.unknown()])
    .rest(z.unknown())
    .parse(await once(child, 'message'));
  return message;
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  const [code] = z
    .tuple([z.number().nullable()])
    .rest(z.unknown())
    .parse(await once(child, 'exit'));
  return code;
}

describe('the platform’s process', () => {
  it('gives a sign-in link until an administrator has a password, and prints nothing', async () => {
    const child = start();
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
    const { port, signInUrl = '' } = readySchema.parse(await messageOf(child));
    const link = new URL(signInUrl);
    expect([link.origin, link.pathname]).toEqual([`http://127.0.0.1:${port}`, '/vao']);
    const headers = { 'content-type': 'application/json' };
    const signedIn = await fetch(new URL('/api/sign-in/link', link), {
      method: 'POST',
      headers,
      body: JSON.stringify({ token: link.searchParams.get('ma') }),
    });
    expect([signedIn.status, await signedIn.json()]).toMatchObject([200, { username: 'quantri' }]);
    const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const changed = await fetch(new URL('/api/me/password', link), {
      method: 'PUT',
      headers: { ...headers, cookie },
      body: JSON.stringify({ current: null, next: 'một mật khẩu dài' }),
    });
    expect(changed.status).toBe(204);
    const exit = exitOf(child);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(printed).toBe('');
    const second = start();
    expect(readySchema.parse(await messageOf(second))).not.toHaveProperty('signInUrl');
    const secondExit = exitOf(second);
    second.disconnect();
    expect(await secondExit).toBe(0);
  });

  it('says in one sentence that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = z.object({ port: z.number() }).parse(other.address());
    const child = start({ LOALANG_HTTP_PORT: String(port) });
    const exit = exitOf(child);
    expect(await messageOf(child)).toEqual({
      type: 'failed',
      message: `Port ${port} is in use by another program. Stop it, or set LOALANG_HTTP_PORT.`,
    });
    expect(await exit).toBe(1);
    other.close();
  });

  it('says which variable is wrong', async () => {
    const child = start({ LOALANG_BROKER_URL: 'http://x' });
    const exit = exitOf(child);
    expect(await messageOf(child)).toEqual({
      type: 'failed',
      message: expect.stringContaining('LOALANG_BROKER_URL') as unknown,
    });
    expect(await exit).toBe(1);
  });
});
