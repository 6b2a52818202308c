import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';
import { reconnectAfterMs } from './reconnect.ts';

const GOOD = { lastedUs: 30_000_001, isBroken: true };
const FAILED = { lastedUs: 10_000, isBroken: true };

test('a good connection that broke is tried again at once, and each failure after it waits longer', () => {
  const backoff = new Backoff(500, 15_000, () => 1);
  const past = [FAILED, FAILED, GOOD, FAILED, FAILED, FAILED];
  expect(past.map((each) => reconnectAfterMs(backoff, each))).toEqual([1_000, 2_000, 0, 1_000, 2_000, 4_000]);
});

test('what the broker ended in good order waits, so that not all receivers come back at once', () => {
  const ended = { ...GOOD, isBroken: false };
  const waits = [0, 0.5, 1].map((draw) => reconnectAfterMs(new Backoff(500, 15_000, () => draw), ended));
  expect(waits).toEqual([500, 750, 1_000]);
});

test('a connection that breaks soon is not tried at once: a network that refuses must not be hammered', () => {
  const short = { lastedUs: 30_000_000, isBroken: true };
  expect(reconnectAfterMs(new Backoff(500, 15_000, () => 0), short)).toBe(500);
});
