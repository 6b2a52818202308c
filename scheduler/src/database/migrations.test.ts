import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { schema } from './index.ts';
import { migrateDatabase } from './migrate.ts';
import { createTestDatabase } from './testing.ts';

const HERE = dirname(fileURLToPath(import.meta.url));

test('the migrations make what the schema says: no change of it was left without one', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'loalang-migrations-'));
  try {
    await cp(join(HERE, 'migrations'), copy, { recursive: true });
    const kit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs');
    const paths = ['--schema', 'schema.ts', '--out', relative(HERE, copy)];
    const args = [kit, 'generate', '--dialect', 'postgresql', ...paths];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: HERE });
    expect(stdout).toContain('No schema changes');
  } finally {
    await rm(copy, { recursive: true });
  }
});

test('receivers of before there were acoustic offsets are kept, without one', async () => {
  const database = await createTestDatabase();
  const old = await mkdtemp(join(tmpdir(), 'loalang-old-'));
  try {
    const { db, url } = database;
    await db.execute(sql`drop schema public cascade`);
    await db.execute(sql`drop schema drizzle cascade`);
    await db.execute(sql`create schema public`);
    await firstMigrations(old, 1);
    await migrate(db, { migrationsFolder: old });
    await db.execute(sql`insert into units (id, kind, name) values ('an-lac', 'commune', 'An Lạc')`);
    await db.execute(
      sql`insert into devices (id, unit_id, number, name, volume, plan_n, plan_jws) values ('d-aaaaaaaaaa', 'an-lac', 4, 'Loa 4', 70, 12, 'a.b.c')`,
    );
    await migrateDatabase(url);
    expect(await db.select().from(schema.devices)).toMatchObject([
      { id: 'd-aaaaaaaaaa', number: 4, volume: 70, planN: 12, planJws: 'a.b.c', acousticOffsetMs: 0 },
    ]);
  } finally {
    await database.close();
    await rm(old, { recursive: true });
  }
});

/** The migrations as they were when there were `count` of them. */
async function firstMigrations(folder: string, count: number): Promise<void> {
  await cp(join(HERE, 'migrations'), folder, { recursive: true });
  const path = join(folder, 'meta', '_journal.json');
  const journal = z
    .looseObject({ entries: z.array(z.unknown()) })
    .parse(JSON.parse(await readFile(path, 'utf8')));
  await writeFile(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
}
