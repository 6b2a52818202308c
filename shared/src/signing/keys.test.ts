import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const KEYS = 10_000;

test('keys can be made for ever', { timeout: 120_000 }, () => {
  const keys = JSON.stringify(new URL('keys.ts', import.meta.url).href);
  const code = `
    import { generateSigningKey } from ${keys};
    for (let count = 0; count < ${KEYS}; count += 1) generateSigningKey();
  `;
  // In a process of its own, since one that waits for itself hears of no deadline.
  const args = ['--max-semi-space-size=1', '--import', 'tsx', '--input-type=module', '--eval', code];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 100_000 });
  expect([status, stderr]).toEqual([0, '']);
});
