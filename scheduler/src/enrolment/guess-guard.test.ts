import { describe, expect, test } from 'vitest';
import { addMs, fromUnixMs, type MediaTime } from '@loalang/shared';
import { GuessGuard } from './guess-guard.ts';

const START = fromUnixMs(1_800_000_000_000);
const MINUTE_MS = 60_000;
const at = (minutes: number): MediaTime => addMs(START, minutes * MINUTE_MS);

/** One wrong code. */
function guess(guard: GuessGuard, person: number, address: string, now: MediaTime): string {
  const { verdict } = guard.begin({ personId: `p${person}`, address }, now);
  if (verdict === 'look' && guard.wrong(now)) return 'locks';
  return verdict;
}

describe('wrong codes', () => {
  test('of one person: twenty in a quarter of an hour', () => {
    const guard = new GuessGuard();
    const verdicts = Array.from({ length: 21 }, (_, index) => guess(guard, 1, `a${index}`, at(index / 10)));
    expect(verdicts).toEqual([...Array<string>(20).fill('look'), 'wait']);
    expect(guard.begin({ personId: 'p1', address: 'b' }, at(5))).toEqual({ verdict: 'wait', seconds: 600 });
    expect(guess(guard, 2, 'b', at(5))).toBe('look');
    expect(guess(guard, 1, 'b', at(15))).toBe('look');
  });

  test('from one address: sixty, whoever types them', () => {
    const guard = new GuessGuard();
    const verdicts = Array.from({ length: 61 }, (_, index) => guess(guard, index, 'office', START));
    expect(verdicts.filter((verdict) => verdict === 'look')).toHaveLength(60);
    expect(verdicts.at(-1)).toBe('wait');
  });

  test('in all: the thousandth locks everybody out for an hour', () => {
    const guard = new GuessGuard();
    const verdicts = Array.from({ length: 1_000 }, (_, index) => guess(guard, index, `a${index}`, START));
    expect(verdicts.indexOf('locks')).toBe(999);
    const honest = { personId: 'honest', address: 'far away' };
    expect(guard.begin(honest, at(59))).toEqual({ verdict: 'locked', until: at(60) });
    expect(guard.lockedUntil(at(59))).toBe(at(60));
    expect(guard.begin(honest, at(60))).toEqual({ verdict: 'look' });
    expect(guard.lockedUntil(at(60))).toBeNull();
  });

  test('in all: those of the day before are forgotten', () => {
    const guard = new GuessGuard();
    for (let index = 0; index < 999; index += 1) guess(guard, index, `a${index}`, START);
    expect(guess(guard, 5_000, 'x', at(24 * 60))).toBe('look');
  });
});

test('a code that was right is no guess', () => {
  const guard = new GuessGuard();
  const officer = { personId: 'officer', address: 'office' };
  for (let index = 0; index < 2_000; index += 1) {
    expect(guard.begin(officer, START)).toEqual({ verdict: 'look' });
    guard.takeBack(officer);
  }
});

test('what has begun and is not answered yet counts, so that many at once do not slip through', () => {
  const guard = new GuessGuard();
  const verdicts = Array.from({ length: 30 }, () => guard.begin({ personId: 'p', address: 'a' }, START));
  expect(verdicts.filter(({ verdict }) => verdict === 'look')).toHaveLength(20);
});
