import { EventEmitter, once } from 'node:events';
import { mediaTime, addMs } from '@loalang/shared';
import pino from 'pino';
import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';
import { RateBound } from './rate-bound.ts';

const log = pino({ level: 'silent' });

test('tasks of one receiver run one after the other, in order, and a failed one stops nothing', async () => {
  const lanes = new Lanes(log);
  const done: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    lanes.push('d-aaaaaaaaaa', async () => {
      // The earlier ones would end last if they ran together.
      for (let turn = n; turn < 20; turn += 1) await Promise.resolve();
      if (n === 7) throw new Error('bad luck');
      done.push(n);
    });
  }
  await lanes.drain();
  expect(done).toEqual(Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== 7));
});

test('what comes while too much waits is dropped and counted, and the lanes go on afterwards', async () => {
  const lanes = new Lanes(log);
  const gate = new EventEmitter();
  const opened = once(gate, 'open');
  let done = 0;
  for (let n = 0; n < 4_100; n += 1) {
    lanes.push(`d-${n % 100}`, async () => {
      await opened;
      done += 1;
    });
  }
  expect(lanes.dropped).toBeGreaterThan(0);
  gate.emit('open');
  await lanes.drain();
  expect(done + lanes.dropped).toBe(4_100);
  expect(lanes.push('d-aaaaaaaaaa', async () => await Promise.resolve())).toBe(true);
  await lanes.drain();
});

test('one receiver that floods leaves room for the others', async () => {
  const lanes = new Lanes(log);
  const idle = async (): Promise<void> => await Promise.resolve();
  const taken = Array.from({ length: 5_000 }, () => lanes.push('d-flood', idle)).filter(Boolean).length;
  expect(taken).toBeLessThan(100);
  expect(lanes.push('d-other', idle)).toBe(true);
  await lanes.drain();
  expect(lanes.push('d-flood', idle)).toBe(true);
});

test('a bound lets a burst pass, then so many a second, each receiver for itself', () => {
  const bound = new RateBound({ burst: 2, perSecond: 10 });
  const start = mediaTime(1_700_000_000_000_000);
  const takes = (key: string, ms: number): boolean => bound.take(key, addMs(start, ms));
  expect([takes('a', 0), takes('a', 0), takes('a', 0), takes('b', 0)]).toEqual([true, true, false, true]);
  expect([takes('a', 99), takes('a', 101), takes('a', 102)]).toEqual([false, true, false]);
  expect([takes('a', 9_000), takes('a', 9_000), takes('a', 9_000)]).toEqual([true, true, false]);
});
