import type { Unit } from '@loalang/shared';
import { describe, expect, it } from 'vitest';
import { branches, reached, toggle } from './audience.ts';
import { device } from './sample.ts';

const unit = (id: string, parentId: string | null, deviceCount: number): Unit => ({
  id,
  parentId,
  kind: 'commune',
  name: id,
  deviceCount,
});
const units = [
  unit('huyện', null, 4),
  unit('a', 'huyện', 3),
  unit('a1', 'a', 1),
  unit('b', 'huyện', 1),
  unit('c', 'huyện', 0),
];
const devices = [device('a', 1), device('a', 2), device('a1', 1), device('b', 1)];

describe('the choice of places', () => {
  it('offers what has loudspeakers, with the smaller places within', () => {
    expect(
      branches(units, 'huyện').map(({ unit: one, below }) => [one.id, below.map(({ id }) => id)]),
    ).toEqual([
      ['a', ['a1']],
      ['b', []],
    ]);
  });

  it('reaches everything below a unit, once', () => {
    expect(reached(units, ['a', 'a1'], devices).map(({ id }) => id)).toEqual(['d-a1', 'd-a2', 'd-a11']);
    expect(reached(units, [], devices)).toEqual([]);
  });

  it('never holds a whole together with its part', () => {
    expect(toggle(units, ['huyện'], 'a')).toEqual(['a']);
    expect(toggle(units, ['a1', 'b'], 'a')).toEqual(['b', 'a']);
    expect(toggle(units, ['a', 'b'], 'huyện')).toEqual(['huyện']);
    expect(toggle(units, ['a', 'b'], 'a')).toEqual(['b']);
  });
});
