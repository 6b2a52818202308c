import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutations } from './table.ts';

// Whether the tests notice is for `npm run mutations` to show; here, that it still would break what it means to.
it.each(mutations)('$file has "$from" exactly once', ({ file, from, to, test }) => {
  expect(readFileSync(file, 'utf8').split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
  expect(existsSync(test), test).toBe(true);
});
