import type { Lateness } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import {
  LatenessIntake,
  latencySettings,
  readReport,
  recommendSetting,
  type ReceiverLateness,
} from './lateness.ts';

const receiver = (packets: number, fast: number, balanced: number, sure: number): ReceiverLateness => ({
  packets,
  late: { fast, balanced, sure },
});
const wired = receiver(10_000, 3, 0, 0);
const mobile = receiver(10_000, 200, 10, 0);
const bad = receiver(10_000, 900, 300, 10);
const hopeless = receiver(10_000, 5_000, 4_000, 3_000);
const times = (count: number, each: ReceiverLateness): ReceiverLateness[] =>
  Array.from({ length: count }, () => each);

test.each([
  { what: 'nobody has reported', receivers: [], expected: 'balanced' },
  { what: 'too few packets to tell', receivers: [receiver(999, 999, 999, 999)], expected: 'balanced' },
  { what: 'all are on cable', receivers: times(20, wired), expected: 'fast' },
  { what: 'most are mobile', receivers: [...times(10, wired), ...times(10, mobile)], expected: 'balanced' },
  { what: 'one in ten is mobile', receivers: [...times(9, wired), mobile], expected: 'fast' },
  { what: 'one in nine is mobile', receivers: [...times(8, wired), mobile], expected: 'balanced' },
  { what: 'links are bad', receivers: times(5, bad), expected: 'sure' },
  { what: 'one link is hopeless', receivers: [...times(30, mobile), hopeless], expected: 'balanced' },
  { what: 'all links are hopeless', receivers: times(5, hopeless), expected: 'sure' },
  { what: 'one late in a thousand', receivers: [receiver(1_000, 1, 1, 1)], expected: 'fast' },
  { what: 'more than that', receivers: [receiver(1_000, 2, 1, 1)], expected: 'balanced' },
])('where $what, $expected is recommended', ({ receivers, expected }) => {
  expect(recommendSetting(receivers)).toBe(expected);
});

test('another late packet never makes the recommendation faster', () => {
  const anyReceiver = fc
    .tuple(fc.integer({ min: 1_000, max: 5_000 }), fc.nat(30), fc.nat(30), fc.nat(30))
    .map(([packets, a, b, c]) => receiver(packets, a + b + c, b + c, c));
  fc.assert(
    fc.property(fc.array(anyReceiver, { minLength: 1, maxLength: 30 }), fc.nat(), (receivers, which) => {
      const before = latencySettings[recommendSetting(receivers)];
      const later = receivers.map((each, index) =>
        index === which % receivers.length
          ? receiver(each.packets, each.late.fast + 1, each.late.balanced + 1, each.late.sure + 1)
          : each,
      );
      expect(latencySettings[recommendSetting(later)]).toBeGreaterThanOrEqual(before);
    }),
    { seed: 32, numRuns: 200 * inject('soak') },
  );
});

const streamId = 'ab'.repeat(16);
const [one, other] = ['d-abcdefghij', 'd-zyxwvutsrq'];
function report(packets: number, late: readonly (readonly [number, number])[], id = streamId): Lateness {
  return {
    streamId: id,
    packets,
    late: late.map(([latencyMs, count]) => ({ latencyMs, packets: count })),
  };
}
const onCable = [
  [300, 5],
  [700, 0],
  [1_200, 0],
  [2_500, 0],
] as const;

test('a report is read for the three settings', () => {
  const late = [
    [400, 90],
    [700, 40],
    [1_000, 30],
    [1_200, 20],
    [2_500, 1],
    [4_000, 0],
  ] as const;
  expect(readReport(report(1_000, late))).toEqual(receiver(1_000, 40, 20, 1));
});

test.each([
  { what: 'without a setting', late: onCable.slice(0, 3) },
  { what: 'out of order', late: onCable.toReversed() },
  {
    what: 'that says more late at a longer latency',
    late: [
      [700, 1],
      [1_200, 2],
      [2_500, 0],
    ] as const,
  },
  {
    what: 'of more late packets than there were',
    late: [
      [700, 2_001],
      [1_200, 0],
      [2_500, 0],
    ] as const,
  },
])('a report $what is none', ({ late }) => {
  expect(readReport(report(2_000, late))).toBeNull();
});

function open() {
  const intake = new LatenessIntake();
  intake.open(streamId, [one], 100_000);
  const take = (lateness: unknown, deviceId = one): boolean =>
    intake.take(deviceId, Buffer.from(JSON.stringify(lateness)));
  return { intake, take };
}

test('reports of the audience count, the longest of each receiver', () => {
  const { intake, take } = open();
  expect(intake.recommend()).toBe('balanced');
  expect(take(report(500, onCable))).toBe(true);
  expect(intake.recommend()).toBe('balanced');
  expect(take(report(1_500, onCable))).toBe(true);
  expect(intake.recommend()).toBe('fast');
  expect(take(report(20, onCable))).toBe(true);
  expect(intake.recommend()).toBe('fast');
});

test.each([
  { what: 'of who was not spoken to', lateness: report(1_500, onCable), deviceId: other },
  { what: 'of another stream', lateness: report(1_500, onCable, 'cd'.repeat(16)) },
  { what: 'of more packets than the time box holds', lateness: report(5_002, onCable) },
  { what: 'that is malformed', lateness: { ...report(1_500, onCable), packets: -1 } },
  { what: 'that is no report', lateness: 'hello' },
])('a report $what is refused and changes nothing', ({ lateness, deviceId }) => {
  const { intake, take } = open();
  expect(take(lateness, deviceId ?? one)).toBe(false);
  expect(intake.recommend()).toBe('balanced');
});

test('the last ten streams count', () => {
  const { intake, take } = open();
  take(report(1_500, onCable));
  for (let index = 0; index < 9; index += 1) intake.open(String(index), [], 1_000);
  expect(intake.recommend()).toBe('fast');
  intake.open('10', [], 1_000);
  expect(intake.recommend()).toBe('balanced');
  expect(take(report(1_600, onCable))).toBe(false);
});
