import { expect, test } from 'vitest';
import { arrivalsOver } from './arrivals.ts';
import type { BufferLink } from './links.ts';

/** A delivery each millisecond but for an outage from 4 to 5 s; a stall of a second at 8 s; rounds of 10 s. */
const down = {
  opportunitiesMs: Array.from({ length: 10_000 }, (_, ms) => ms).filter((ms) => ms < 4_000 || ms >= 5_000),
  periodMs: 10_000,
};
const link: BufferLink = { name: 'a', down, up: down, events: [{ atS: 8, kind: 'stall', forMs: 1_000 }] };
/** When packets that were held up were sent, in seconds of their round. */
const heldUpAtS = (startMs: number): number[] => {
  const late = arrivalsOver(link, { seed: 'any', startMs }).filter(({ onWayMs }) => onWayMs > 100);
  return [...new Set(late.map(({ sentMs }) => Math.floor((sentMs % 10_000) / 1000)))];
};

test.each([
  { startMs: 0, expected: [4, 8] },
  { startMs: 6_000, expected: [8, 4] },
  { startMs: 9_500, expected: [4, 8] },
])(
  'a round from $startMs ms on meets the same outages and stalls in its own order',
  ({ startMs, expected }) => {
    expect(heldUpAtS(startMs).filter((second) => expected.includes(second))).toEqual(expected);
    expect(arrivalsOver(link, { seed: 'any', startMs })).toHaveLength(166);
  },
);

test('the same beginning of the same link always gives the same arrivals', () => {
  const once = arrivalsOver(link, { seed: 'any', startMs: 1_000 });
  expect(arrivalsOver(link, { seed: 'any', startMs: 1_000 })).toEqual(once);
});
