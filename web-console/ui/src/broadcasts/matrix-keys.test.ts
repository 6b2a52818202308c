import { describe, expect, it } from 'vitest';
import { placeAfter } from './matrix-keys.ts';

describe('keys in the woven matrix', () => {
  const last = { row: 2, column: 19 };

  it.each([
    ['ArrowRight', [1, 5], [1, 6]],
    ['ArrowRight', [1, 19], [1, 19]],
    ['ArrowLeft', [1, 0], [1, 0]],
    ['ArrowUp', [0, 5], [0, 5]],
    ['ArrowUp', [2, 5], [1, 5]],
    ['ArrowDown', [2, 5], [2, 5]],
    ['Home', [2, 5], [2, 0]],
    ['End', [2, 5], [2, 19]],
  ] as const)('%s leads from %j to %j', (key, [row, column], [toRow, toColumn]) => {
    expect(placeAfter(key, { row, column }, last)).toEqual({ row: toRow, column: toColumn });
  });

  it('leave other keys to the page', () => {
    expect(placeAfter('Tab', { row: 0, column: 0 }, last)).toBeNull();
  });
});
