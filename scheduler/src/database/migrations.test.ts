import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

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
