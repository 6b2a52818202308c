import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asc, sql } from 'drizzle-orm';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { databaseFailed } from './failure.ts';
import { openDatabase, schema, type Database } from './index.ts';
import { runningServer } from './orphan.ts';
import { createTestDatabase } from './testing.ts';

const log = pino({ level: 'silent' });
const WRITER = fileURLToPath(new URL('./writer.fixture.ts', import.meta.url));

let dataFolder: string;
const opened: Database[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'loalang-data-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(opened.splice(0).map(async (database) => await database.close()));
  await rm(dataFolder, { recursive: true, force: true });
});

const cluster = (): string => join(dataFolder, 'postgres', 'cluster');

async function open(): Promise<Database> {
  const database = await openDatabase({ dataFolder, log });
  opened.push(database);
  return database;
}

async function putValue(database: Database, key: string, value: number): Promise<void> {
  await database.db.insert(schema.platformState).values({ key, value });
}

describe('the embedded database', () => {
  test('keeps what was written, and is gone after close()', async () => {
    const first = await open();
    await putValue(first, 'epoch', 7);
    expect(await runningServer(cluster())).not.toBeNull();
    await first.close();
    await first.close();
    expect(await runningServer(cluster())).toBeNull();
    const second = await open();
    expect(await second.db.select().from(schema.platformState)).toEqual([{ key: 'epoch', value: 7 }]);
  });

  test('listens on this machine only, asks for its password, and syncs to disk', async () => {
    const database = await open();
    const settings = await database.db.execute(
      sql`select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'unix_socket_directories') order by name`,
    );
    expect([...settings].map((row) => [row['name'], row['setting']])).toEqual([
      ['fsync', 'on'],
      ['listen_addresses', '127.0.0.1'],
      ['synchronous_commit', 'on'],
      ['unix_socket_directories', ''],
    ]);
    const stranger = new URL(database.url);
    stranger.password = 'guess';
    await expect(openDatabase({ dataFolder, url: stranger.href, log })).rejects.toThrow(
      /DATABASE_FAILED: .*password authentication failed/,
    );
    expect((await stat(join(dataFolder, 'postgres', 'password'))).mode & 0o777).toBe(0o600);
  });

  test('refuses a second start on the same folder while the first lives', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'DATA_LOCKED', details: { folder: dataFolder } });
    await putValue(first, 'still', 1);
  });

  test('starts anew where making it was broken off in the middle', async () => {
    const draft = join(dataFolder, 'postgres', 'cluster.new');
    await mkdir(join(draft, 'base'), { recursive: true, mode: 0o700 });
    await writeFile(join(draft, 'PG_VERSION'), '18\n');
    await putValue(await open(), 'made', 1);
    expect((await readdir(join(dataFolder, 'postgres'))).toSorted()).toEqual([
      'cluster',
      'lib',
      'owner.json',
      'password',
    ]);
  });

  test('starts where the mark of a dead server names a process that is none', async () => {
    await (await open()).close();
    await writeFile(join(cluster(), 'postmaster.pid'), `${process.pid}\n${cluster()}\n`);
    await putValue(await open(), 'started', 1);
  });

  test('comes back at the same address when its server is killed', async () => {
    const database = await open();
    await putValue(database, 'before', 1);
    process.kill((await runningServer(cluster())) ?? 0, 'SIGKILL');
    const count = async (): Promise<number> => await database.db.$count(schema.platformState).catch(() => -1);
    await expect.poll(count, { timeout: 20_000 }).toBe(1);
    await database.close();
    expect(await runningServer(cluster())).toBeNull();
  });

  test('tells a failed start in one sentence', async () => {
    await (await open()).close();
    await writeFile(join(cluster(), 'PG_VERSION'), '11\n');
    await expect(open()).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
      details: { detail: 'database files are incompatible with server' },
    });
    expect(await readdir(join(dataFolder, 'postgres'))).not.toContain('owner.json');
  });
});

describe('after kill -9 of the platform', () => {
  const messageSchema = z.object({ pid: z.number(), committed: z.number() });

  /** Runs a process that writes rows one by one and tells of each commit; kills it after so many. */
  async function killWriter(rows: number): Promise<{ pid: number; committed: number }> {
    const child = fork(WRITER, [dataFolder], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    let last = { pid: 0, committed: 0 };
    const ended = once(child, 'exit');
    child.on('message', (message) => {
      last = messageSchema.parse(message);
      if (last.committed >= rows) child.kill('SIGKILL');
    });
    await ended;
    return last;
  }

  test(
    'every acknowledged row is there, and no server is left behind',
    async () => {
      const servers: number[] = [];
      const rounds = Array.from({ length: inject('soak') }, () => [5, 40, 90]).flat();
      for (const rows of rounds) {
        const { pid, committed } = await killWriter(rows);
        servers.push(pid);
        const database = await open();
        const kept = await database.db
          .select()
          .from(schema.platformState)
          .orderBy(asc(schema.platformState.value));
        const acknowledged = kept.map((row) => row.value).filter((value) => value <= committed);
        expect(acknowledged).toEqual(Array.from({ length: committed }, (_, index) => index + 1));
        await database.db.delete(schema.platformState);
        await database.close();
      }
      for (const pid of servers) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      expect(await runningServer(cluster())).toBeNull();
    },
    60_000 * inject('soak'),
  );

  test('the server ends by itself, with nobody starting again', async () => {
    const { pid } = await killWriter(3);
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    await expect(readFile(join(cluster(), 'postmaster.pid'), 'utf8')).rejects.toThrow('ENOENT');
  });
});

describe('a database of yours', () => {
  test('is migrated and used, also by two platforms that start at once', async () => {
    const given = await createTestDatabase();
    opened.push(given);
    await given.db.execute(sql`drop schema public cascade`);
    await given.db.execute(sql`drop schema drizzle cascade`);
    await given.db.execute(sql`create schema public`);
    const both = await Promise.all(
      [1, 2].map(async () => await openDatabase({ dataFolder, url: given.url, log })),
    );
    opened.unshift(...both);
    await putValue(both[0] ?? given, 'shared', 1);
    expect(await both[1]?.db.select().from(schema.platformState)).toEqual([{ key: 'shared', value: 1 }]);
    expect(await readdir(dataFolder)).toEqual([]);
  });

  test('that does not answer is told in one sentence', async () => {
    const url = 'postgres://a:b@127.0.0.1:1/none';
    await expect(openDatabase({ dataFolder, url, log })).rejects.toMatchObject({ code: 'DATABASE_FAILED' });
  });
});

test('a full disk is told as such', () => {
  const said = 'FATAL:  could not write lock file "postmaster.pid": No space left on device';
  expect(databaseFailed(new Error(said), '/srv/loalang').details).toEqual({
    detail: 'the disk of /srv/loalang is full. Free some space and start again',
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
