import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';
import { Reconnect, type Past } from './reconnect.ts';

const GOOD = { lastedUs: 30_000_001, isBroken: true };
const FAILED = { lastedUs: 10_000, isBroken: true };
const make = (random: () => number): Reconnect => new Reconnect(new Backoff(500, 15_000, random), random);
const waits = (past: readonly Past[], random: () => number): number[] => {
  const reconnect = make(random);
  return past.map((each) => reconnect.afterMs(each));
};

test('a good connection that broke is tried again at once, quickly three times, then each failure waits longer', () => {
  const past = [FAILED, FAILED, GOOD, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED];
  expect(waits(past, () => 1)).toEqual([1_000, 2_000, 0, 200, 400, 800, 1_000, 2_000, 4_000]);
  expect(waits(past, () => 0)).toEqual([500, 500, 0, 100, 200, 400, 500, 500, 500]);
});

test('what the broker ended in good order waits, so that not all receivers come back at once', () => {
  const ended = { ...GOOD, isBroken: false };
  expect([0, 0.5, 1].map((draw) => waits([ended, FAILED], () => draw))).toEqual([
    [500, 500],
    [750, 1_250],
    [1_000, 2_000],
  ]);
});

test('a connection that breaks soon is not tried at once: a network that refuses must not be hammered', () => {
  expect(waits([{ lastedUs: 30_000_000, isBroken: true }], () => 0)).toEqual([500]);
});

/** Seeded draws from 0 to 1 (the generator of Park and Miller). */
function drawsOf(receiver: number): () => number {
  let state = 1 + receiver * 1_000_003;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let warmUp = 0; warmUp < 10; warmUp += 1) next();
  return next;
}

/** When one receiver tries, in ms from the moment at which all lost their connection, until the broker takes it. */
function triesMs(past: Past, random: () => number, brokerIsBackAtMs: number): number[] {
  const reconnect = make(random);
  const tries: number[] = [];
  let atMs = reconnect.afterMs(past);
  while (tries.push(atMs) > 0 && atMs < brokerIsBackAtMs) atMs += reconnect.afterMs(FAILED);
  return tries;
}

// A connection costs the broker 1 ms, and receivers give it 10 s.
test.each([
  { how: 'fell', past: GOOD, awayMs: 3_000, mostPerSecond: 1_300 },
  { how: 'fell for long', past: GOOD, awayMs: 20_000, mostPerSecond: 300 },
  { how: 'went in good order', past: { ...GOOD, isBroken: false }, awayMs: 0, mostPerSecond: 2_000 },
  {
    how: 'was started anew',
    past: { ...GOOD, isBroken: false },
    awayMs: 3_000,
    mostPerSecond: 1_000,
  },
])(
  'of 2,000 receivers of a broker that $how $mostPerSecond a second come back at most',
  ({ past, awayMs, mostPerSecond }) => {
    const perSecond = new Uint32Array(30);
    for (let receiver = 0; receiver < 2_000; receiver += 1) {
      const atMs = triesMs(past, drawsOf(receiver), awayMs).at(-1) ?? 0;
      const second = Math.floor((atMs - awayMs) / 1000);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
    }
    expect(perSecond.reduce((sum, each) => sum + each, 0)).toBe(2_000);
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(mostPerSecond);
  },
);
