import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defaultLimits, limitReasons } from './bounds.ts';

const chapter = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  .split('#### Limits')[1]
  ?.split('\n### ')[0];
const rows = (chapter ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test('each limit that can be set stands in docs/operations.md with its default, and no other', () => {
  const told = rows.flatMap(([name, value]) => {
    const key = /^`(\w+)`$/.exec(name ?? '')?.[1];
    return key === undefined ? [] : [[key, Number(value)] as const];
  });
  expect(Object.fromEntries(told)).toEqual(defaultLimits);
});

test('and so does each reason by which a limit is counted', () => {
  const names = rows.flatMap((cells) => [...(cells.at(-1) ?? '').matchAll(/`([a-z-]+)`(?! of)/g)]);
  expect(new Set(names.map(([, name]) => name))).toEqual(new Set(limitReasons));
});
