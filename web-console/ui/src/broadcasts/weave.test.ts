import { describe, expect, it } from 'vitest';
import { broadcast, device } from './sample.ts';
import { darkColumns, failuresFirst, inOrder, weave, weaveByUnit } from './weave.ts';

const devices = [device('b', 2), device('a', 10), device('b', 1), device('a', 2)];

describe('the woven row', () => {
  it('keeps the same order everywhere: by unit, then by number', () => {
    expect(inOrder(devices).map(({ id }) => id)).toEqual(['d-a2', 'd-a10', 'd-b1', 'd-b2']);
  });

  it('has a square for every loudspeaker in view, also for those not addressed', () => {
    const row = weave(
      broadcast('x', '06:00:00', '06:08:00', { 'd-a2': 'played', 'd-b1': 'missed' }),
      devices,
    );
    expect(row.map(({ unitName, squares }) => [unitName, squares.map(({ state }) => state)])).toEqual([
      ['Xã a', ['played', null]],
      ['Xã b', ['missed', null]],
    ]);
  });

  it('counts by unit with failures first, and leaves out units not addressed', () => {
    const counts = weaveByUnit(
      broadcast('x', '06:00:00', '06:08:00', {
        'd-a2': 'played',
        'd-a10': 'played',
        'd-b1': 'played',
        'd-b2': 'missed',
      }),
      [...devices, device('c', 1)],
    );
    expect(counts).toEqual([
      { unitId: 'b', unitName: 'Xã b', all: 2, good: 1, worst: 'missed' },
      { unitId: 'a', unitName: 'Xã a', all: 2, good: 2, worst: 'played' },
    ]);
    expect(failuresFirst(counts)).toEqual({ failed: [counts[0]], others: [{ state: 'played', units: 1 }] });
  });

  it('marks the columns that failed', () => {
    const day = [
      broadcast('x', '06:00:00', '06:08:00', { 'd-a2': 'played', 'd-b2': 'missed' }),
      broadcast('y', '07:00:00', '07:08:00', { 'd-a2': 'partial' }),
    ];
    expect([...darkColumns(day)]).toEqual(['d-b2']);
  });
});
