import { CANDIDATE_LATENCIES_MS } from '@loalang/shared';
import { expect, test } from 'vitest';
import { LatenessIntake } from './lateness.ts';

const streamId = 'ab'.repeat(16);
const [one, other] = ['d-abcdefghij', 'd-zyxwvutsrq'];
const balancedFirst = 1_200;
const shortest = 400;

function open(streams = [streamId]) {
  const intake = new LatenessIntake();
  for (const id of streams) intake.open(id, [one], 1_200_000);
  const take = (lateness: unknown, deviceId = one): boolean =>
    intake.take(deviceId, Buffer.from(JSON.stringify(lateness)));
  return { intake, take, balanced: () => intake.settings([one]).balanced };
}
const report = (packets: number, late: readonly number[] = [], id = streamId) => ({
  streamId: id,
  packets,
  late,
});
/** So many late at all candidates below 1 s. */
const lateBelowASecond = (count: number): number[] =>
  CANDIDATE_LATENCIES_MS.filter((latencyMs) => latencyMs < 1_000).map(() => count);

test('reports of the audience count, of each receiver the longest', () => {
  const { intake, take, balanced } = open();
  expect(balanced()).toBe(balancedFirst);
  expect(take(report(500, [5]))).toBe(true);
  expect(balanced()).toBe(balancedFirst);
  expect(take(report(1_500, [5]))).toBe(true);
  expect(balanced()).toBe(shortest);
  // Its receiver began anew.
  expect(take(report(20, lateBelowASecond(20)))).toBe(true);
  expect(balanced()).toBe(shortest);
  expect(intake.settings([other]).balanced).toBe(balancedFirst);
});

test('each report of a stream replaces the one before, and streams add up', () => {
  const id = 'cd'.repeat(16);
  const { take, balanced } = open([streamId, id]);
  take(report(1_000, lateBelowASecond(1)));
  take(report(2_000, lateBelowASecond(2)));
  expect(balanced()).toBe(shortest);
  take(report(1_000, lateBelowASecond(2), id));
  expect(balanced()).toBe(1_030);
});

test('what is long ago counts less', () => {
  const ids = Array.from({ length: 3 }, (_, index) => `${index}`.repeat(32));
  const { take, balanced } = open(ids);
  take(report(60_000, lateBelowASecond(100), ids[0]));
  expect(balanced()).toBe(1_030);
  take(report(40_000, [], ids[1]));
  expect(balanced()).toBe(shortest);
});

test.each([
  { what: 'of who was not spoken to', lateness: report(1_500), deviceId: other },
  { what: 'of another stream', lateness: report(1_500, [], 'cd'.repeat(16)) },
  { what: 'of more packets than the time box holds', lateness: report(60_002) },
  { what: 'that says more late at a longer latency', lateness: report(1_500, [1, 2]) },
  { what: 'of more late packets than there were', lateness: report(1_500, [1_501]) },
  {
    what: 'of more latencies than there are',
    lateness: report(
      1_500,
      Array.from({ length: 39 }, () => 0),
    ),
  },
  { what: 'that is malformed', lateness: report(-1) },
  { what: 'that is no report', lateness: 'hello' },
])('a report $what is refused and changes nothing', ({ lateness, deviceId }) => {
  const { take, balanced } = open();
  expect(take(lateness, deviceId ?? one)).toBe(false);
  expect(balanced()).toBe(balancedFirst);
});

test('only the last hundred streams are reported of, and what was learnt stays', () => {
  const { intake, take, balanced } = open();
  take(report(1_500));
  for (let index = 0; index < 100; index += 1) intake.open(String(index), [], 1_000);
  expect(take(report(1_600))).toBe(false);
  expect(balanced()).toBe(shortest);
});
