import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultLimits } from '../limits/bounds.ts';
import { GuessBrake } from './guess-brake.ts';

let nowMs = 0;
let brake: GuessBrake;

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 0;
  brake = new GuessBrake({ ...defaultLimits, heldFailures: 5, heldFailuresPerAddress: 2 }, () => nowMs);
});
afterEach(() => {
  vi.useRealTimers();
});

/** A failure on a connection of its own; resolves with how long its answer was held back, null where it gets none. */
async function fail(claimedId: string, address: string): Promise<number | null> {
  const connection = new PassThrough();
  const began = Date.now();
  return brake
    .hold({ claimedId, address }, connection)
    .then((isAnswered) => (isAnswered ? Date.now() - began : null));
}

async function waits(
  claimedId: string,
  addressOf: (index: number) => string,
  count: number,
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let index = 0; index < count; index += 1) {
    const answer = fail(claimedId, addressOf(index));
    await vi.advanceTimersByTimeAsync(10_000);
    answers.push(await answer);
  }
  return answers;
}

test('each further failure for one id waits longer, wherever it comes from, up to a bound', async () => {
  expect(await waits('d-one', (index) => `10.0.0.${index}`, 8)).toEqual([
    0, 0, 0, 1000, 2000, 3000, 3000, 3000,
  ]);
  expect(await fail('d-two', '10.0.1.1')).toBe(0);
});

test('so does each of one address, whoever it claims to be', async () => {
  const answers: unknown[] = [];
  for (let index = 0; index < 5; index += 1)
    answers.push(...(await waits(`d-${index}`, () => '10.0.0.1', 1)));
  expect(answers).toEqual([0, 0, 0, 1000, 2000]);
});

test('with time it is forgiven', async () => {
  await waits('d-one', () => '10.0.0.1', 6);
  nowMs += 60_000;
  expect(await fail('d-one', '10.0.0.1')).toBe(0);
});

test('of one address and in all only so many wait; the others get no answer', async () => {
  for (let host = 1; host <= 4; host += 1) await waits('d-one', () => `10.0.0.${host}`, 4);
  const pending = [1, 1, 1, 2, 2, 3, 3, 4].map(async (host) => fail('d-one', `10.0.0.${host}`));
  expect(brake.held).toBe(5);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await Promise.all(pending)).toEqual([3000, 3000, null, 3000, 3000, 3000, null, null]);
  expect(brake.held).toBe(0);
});

test('whoever goes away while waiting makes room', async () => {
  await waits('d-one', () => '10.0.0.1', 4);
  const connection = new PassThrough();
  const held = brake.hold({ claimedId: 'd-one', address: '10.0.0.1' }, connection);
  expect([brake.held, vi.getTimerCount()]).toEqual([1, 1]);
  connection.emit('close');
  expect(await held).toBe(true);
  expect([brake.held, vi.getTimerCount()]).toEqual([0, 0]);
});
