import { CANDIDATE_LATENCIES_MS } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { settingsFor, type ReceiverLateness } from './latency-settings.ts';

const PACKETS = 20_000;
/** A receiver with so many packets too late below each of some latencies. */
function receiver(steps: Readonly<Record<number, number>>, packets = PACKETS): ReceiverLateness {
  const lateAt = (latencyMs: number): number =>
    Object.entries(steps).reduce(
      (most, [below, late]) => (latencyMs < Number(below) ? Math.max(most, late) : most),
      0,
    );
  return { packets, late: CANDIDATE_LATENCIES_MS.map(lateAt) };
}
const times = (count: number, each: ReceiverLateness): ReceiverLateness[] =>
  Array.from({ length: count }, () => each);
const wired = receiver({ 200: 300 });
const mobile = receiver({ 500: 300, 1_000: 50, 2_500: 5 });
const hopeless = receiver({ 20_000: 15_000 });
const first = { fast: 700, balanced: 1_200, sure: 2_500 };
const onCable = { fast: 400, balanced: 400, sure: 400 };
const byMobile = { fast: 522, balanced: 1_030, sure: 2_550 };
const longest = { fast: 10_000, balanced: 10_000, sure: 10_000 };

test.each([
  { what: 'nobody has reported', receivers: [], expected: first },
  { what: 'too few packets came to tell', receivers: [receiver({ 9_000: 999 }, 999)], expected: first },
  { what: 'all are on cable', receivers: times(20, wired), expected: onCable },
  { what: 'all are mobile', receivers: times(3, mobile), expected: byMobile },
  { what: 'one in ten is mobile', receivers: [...times(9, wired), mobile], expected: onCable },
  { what: 'one in nine is mobile', receivers: [...times(8, wired), mobile], expected: byMobile },
  { what: 'one link in many is hopeless', receivers: [...times(30, mobile), hopeless], expected: byMobile },
  { what: 'all links are hopeless', receivers: times(5, hopeless), expected: longest },
  {
    what: 'no outage was longer than balanced',
    receivers: [receiver({ 1_000: 21 })],
    expected: { fast: 400, balanced: 1_030, sure: 1_545 },
  },
  {
    what: 'as many are late as is borne',
    receivers: [receiver({ 500: 200, 1_000: 20, 2_000: 2 })],
    expected: { fast: 400, balanced: 522, sure: 1_030 },
  },
])('where $what, the settings follow', ({ receivers, expected }) => {
  expect(settingsFor(receivers)).toEqual(expected);
});

test('settings rise and keep their bounds, and another late packet never makes one shorter', () => {
  const length = CANDIDATE_LATENCIES_MS.length;
  const anyReceiver = fc
    .tuple(
      fc.integer({ min: 900, max: 50_000 }),
      fc.array(fc.nat(60), { minLength: length, maxLength: length }),
    )
    .map(([packets, late]) => ({ packets, late: late.toSorted((a, b) => b - a) }));
  fc.assert(
    fc.property(fc.array(anyReceiver, { maxLength: 20 }), fc.nat(), (receivers, which) => {
      const { fast, balanced, sure } = settingsFor(receivers);
      const later = receivers.map((each, index) =>
        index === which % receivers.length ? { ...each, late: each.late.map((count) => count + 1) } : each,
      );
      const after = settingsFor(later);
      expect([fast, balanced, sure, 10_000]).toEqual(
        [fast, balanced, sure, 10_000].toSorted((a, b) => a - b),
      );
      expect(after.fast).toBeGreaterThanOrEqual(fast);
      expect(after.balanced).toBeGreaterThanOrEqual(balanced);
      expect(after.sure).toBeGreaterThanOrEqual(sure);
    }),
    { seed: 32, numRuns: 200 * inject('soak') },
  );
});
