import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { SimulatedPath, type Path } from '../testing/simulated-path.ts';
import { ClockFilter, type ClockEstimate, type ClockSample } from './clock-filter.ts';

const lte: Path = { upUs: 25_000, downUs: 25_000, jitterUs: 9_000, driftPpm: 40 };

/** Runs a filter over bursts every 30 s; gives its errors from `skip` bursts on, asked for halfway between bursts. */
function run(
  path: Path,
  seed: number,
  bursts: number,
  skip: number,
): { errorUs: number; estimate: ClockEstimate }[] {
  const simulated = new SimulatedPath(path, seed);
  const filter = new ClockFilter();
  const seen = [];
  for (let index = 0; index < bursts; index += 1) {
    const atUs = 1e9 + index * 30e6;
    filter.addBurst(simulated.burst(atUs));
    const askedUs = atUs + 15e6;
    const estimate = filter.estimate(askedUs);
    if (index < skip || estimate === null) continue;
    seen.push({ errorUs: askedUs + estimate.offsetUs - simulated.truthUs(askedUs), estimate });
  }
  return seen;
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0;

test('over a path like LTE, with a crystal 40 ppm off, two receivers differ by less than 1 ms', () => {
  const a = run(lte, 1, 200, 20);
  const b = run({ ...lte, driftPpm: -35 }, 2, 200, 20);
  const pairs = a.map(({ errorUs }, index) => Math.abs(errorUs - (b[index]?.errorUs ?? 0)));
  expect(quantile(pairs, 0.5)).toBeLessThan(200);
  expect(quantile(pairs, 0.99)).toBeLessThan(1_000);
});

test('the drift is learned', () => {
  const last = run(lte, 3, 40, 39)[0];
  expect(last?.estimate.driftPpm).toBeGreaterThan(39);
  expect(last?.estimate.driftPpm).toBeLessThan(41);
});

test('bursts that the radio holds up for half a second do not turn the line', () => {
  const errorsPpm = Array.from({ length: 40 }, (_, seed) => {
    const simulated = new SimulatedPath({ ...lte, jitterUs: 100 }, seed);
    const filter = new ClockFilter();
    for (let index = 0; index < 6; index += 1) filter.addBurst(simulated.burst(1e9 + index * 2e6));
    for (let index = 0; index < 4; index += 1) {
      const late = simulated.burst(1e9 + (20 + 10 * index) * 1e6);
      filter.addBurst(late.map(({ t1, t2, t3, t4 }) => ({ t1, t2: t2 + 5e5, t3: t3 + 5e5, t4: t4 + 9e5 })));
    }
    return Math.abs((filter.estimate(1e9 + 60e6)?.driftPpm ?? 0) - lte.driftPpm);
  });
  expect(Math.max(...errorsPpm)).toBeLessThan(5);
});

test('the fastest request and the fastest reply need not belong together', () => {
  const filter = new ClockFilter();
  const exchange = (t1: number, upUs: number, downUs: number): ClockSample => {
    return { t1, t2: t1 + 5e6 + upUs, t3: t1 + 5e6 + upUs, t4: t1 + upUs + downUs };
  };
  filter.addBurst([
    exchange(0, 20_000, 60_000),
    exchange(30_000, 70_000, 20_000),
    exchange(60_000, 40_000, 30_000),
  ]);
  expect(filter.estimate(60_000)?.offsetUs).toBeCloseTo(5e6, -1);
});

test('in the first half minute two lucky exchanges do not pass for a drift', () => {
  const drifts = Array.from({ length: 100 }, (_, seed) => {
    const simulated = new SimulatedPath({ ...lte, driftPpm: 0 }, seed);
    const filter = new ClockFilter();
    for (let index = 0; index < 15; index += 1) filter.addBurst(simulated.burst(1e9 + index * 2e6));
    return Math.abs(filter.estimate(1e9 + 30e6)?.driftPpm ?? Infinity);
  });
  expect(quantile(drifts, 0.5)).toBeLessThan(20);
  expect(quantile(drifts, 0.95)).toBeLessThan(50);
});

test('asymmetry shifts the clock by half of the difference, and the uncertainty covers it', () => {
  const seen = run({ upUs: 45_000, downUs: 5_000, jitterUs: 500, driftPpm: 10 }, 4, 40, 20);
  for (const { errorUs, estimate } of seen) {
    expect(errorUs).toBeGreaterThan(18_000);
    expect(errorUs).toBeLessThan(22_000);
    expect(estimate.uncertaintyUs).toBeGreaterThan(Math.abs(errorUs));
  }
});

test('whatever the path, the uncertainty covers the error and is never below half the shortest round trip', () => {
  const paths = fc.record({
    upUs: fc.integer({ min: 50, max: 400_000 }),
    downUs: fc.integer({ min: 50, max: 400_000 }),
    jitterUs: fc.integer({ min: 0, max: 60_000 }),
    driftPpm: fc.integer({ min: -90, max: 90 }),
  });
  fc.assert(
    fc.property(paths, fc.integer({ min: 1, max: 1e9 }), (path, seed) => {
      for (const { errorUs, estimate } of run(path, seed, 30, 3)) {
        expect(estimate.uncertaintyUs).toBeGreaterThanOrEqual(Math.abs(errorUs));
        expect(estimate.uncertaintyUs).toBeGreaterThanOrEqual((path.upUs + path.downUs) / 2);
      }
    }),
    { seed: 11, numRuns: 60 * inject('soak') },
  );
});

test('a single exchange gives the hour, with the uncertainty that it has', () => {
  const filter = new ClockFilter();
  expect(filter.addBurst([{ t1: 1_000, t2: 5_000_000, t3: 5_000_000, t4: 301_000 }])).toBe(true);
  const estimate = filter.estimate(301_000);
  expect(estimate?.offsetUs).toBeCloseTo(5_000_000 - 151_000, -1);
  expect(estimate?.uncertaintyUs).toBeGreaterThan(150_000);
});

test('without an exchange the uncertainty grows', () => {
  const filter = new ClockFilter();
  filter.addBurst(new SimulatedPath(lte, 5).burst(1e6));
  const ages = [0, 60e6, 3_600e6].map((ageUs) => filter.estimate(2e6 + ageUs)?.uncertaintyUs ?? 0);
  expect(ages).toEqual(ages.toSorted((a, b) => a - b));
  expect(ages[2]).toBeGreaterThan((ages[0] ?? 0) + 50_000);
});

test('however well the drift was learned, it may wander: by 2 ppm of what has passed', () => {
  const simulated = new SimulatedPath({ ...lte, jitterUs: 100 }, 9);
  const filter = new ClockFilter();
  for (let index = 0; index < 60; index += 1) filter.addBurst(simulated.burst(index * 30e6));
  const [now, later] = [1_800e6, 5_400e6].map((atUs) => filter.estimate(atUs)?.uncertaintyUs ?? 0);
  expect((later ?? 0) - (now ?? 0)).toBeGreaterThan(7_200);
});

test('one burst in eighty, and no older one, decides where the line lies', () => {
  const filter = new ClockFilter();
  const take = (index: number, wayUs: number): number => {
    const t1 = index * 10e6;
    const t2 = t1 + 5e6 + wayUs;
    filter.addBurst([{ t1, t2, t3: t2, t4: t1 + 2 * wayUs }]);
    return filter.estimate(t1)?.uncertaintyUs ?? 0;
  };
  take(0, 18_000);
  const uncertainties = Array.from({ length: 80 }, (_, index) => take(index + 1, 20_000));
  expect(uncertainties.at(-2)).toBeGreaterThan(22_000);
  expect(uncertainties.at(-1)).toBeLessThan(21_000);
});

test.each([
  ['a round trip of more than 2 s', { t1: 0, t2: 10e6, t3: 10e6, t4: 2_000_001 }],
  ['a reply before its request', { t1: 10, t2: 10e6, t3: 10e6, t4: 9 }],
  ['a reply sent before the request came in', { t1: 0, t2: 10e6, t3: 9e6, t4: 100 }],
  ['more time at the platform than in all', { t1: 0, t2: 10e6, t3: 10.5e6, t4: 100 }],
])('%s is thrown away', (_, sample) => {
  const filter = new ClockFilter();
  expect(filter.addBurst([sample])).toBe(false);
  expect(filter.estimate(1e6)).toBeNull();
});

test('one burst that contradicts the line is not believed, three in a row are', () => {
  const simulated = new SimulatedPath({ ...lte, jitterUs: 1_000 }, 6);
  const filter = new ClockFilter();
  for (let index = 0; index < 10; index += 1) filter.addBurst(simulated.burst(index * 30e6));
  const moved = (index: number): ReturnType<typeof simulated.burst> =>
    simulated.burst(index * 30e6).map((each) => ({ ...each, t2: each.t2 + 400_000, t3: each.t3 + 400_000 }));
  expect([10, 11, 12].map((index) => filter.addBurst(moved(index)))).toEqual([false, false, true]);
  const askedUs = 12 * 30e6 + 1e6;
  const errorUs = askedUs + (filter.estimate(askedUs)?.offsetUs ?? 0) - simulated.truthUs(askedUs) - 400_000;
  expect(Math.abs(errorUs)).toBeLessThan(5_000);
});

test.each([-20_000, 20_000])(
  'a platform whose clock was moved by %i us is followed after three bursts',
  (movedUs) => {
    const simulated = new SimulatedPath(lte, 13);
    const filter = new ClockFilter();
    for (let index = 0; index < 40; index += 1) filter.addBurst(simulated.burst(index * 30e6));
    for (let index = 40; index < 43; index += 1) {
      const burst = simulated.burst(index * 30e6);
      filter.addBurst(burst.map((each) => ({ ...each, t2: each.t2 + movedUs, t3: each.t3 + movedUs })));
    }
    const askedUs = 43 * 30e6;
    const errorUs =
      askedUs + (filter.estimate(askedUs)?.offsetUs ?? 0) - simulated.truthUs(askedUs) - movedUs;
    expect(Math.abs(errorUs)).toBeLessThan(2_000);
  },
);

test('a way that becomes shorter is no moved clock: what was learned of the drift stays', () => {
  const filter = new ClockFilter();
  const before = new SimulatedPath({ ...lte, upUs: 45_000 }, 14);
  const after = new SimulatedPath(lte, 15);
  for (let index = 0; index < 40; index += 1) filter.addBurst(before.burst(index * 30e6));
  for (let index = 40; index < 43; index += 1) filter.addBurst(after.burst(index * 30e6));
  expect(Math.abs((filter.estimate(43 * 30e6)?.driftPpm ?? 0) - lte.driftPpm)).toBeLessThan(10);
});

test.each([-40, -22, 22, 40, 90])(
  'a drift that was learnt %i ppm wrong is given up within minutes, and the uncertainty covers what it costs',
  (wrongPpm) => {
    const simulated = new SimulatedPath({ ...lte, jitterUs: 3_000, driftPpm: wrongPpm }, 17);
    const filter = new ClockFilter(0);
    for (let index = 0; index < 40; index += 1) {
      filter.addBurst(simulated.burst(1e9 + index * 30e6));
      const askedUs = 1e9 + index * 30e6 + 15e6;
      const estimate = filter.estimate(askedUs);
      const errorUs = askedUs + (estimate?.offsetUs ?? 0) - simulated.truthUs(askedUs);
      expect(estimate?.uncertaintyUs).toBeGreaterThan(Math.abs(errorUs));
      if (index >= 15) expect(Math.abs((estimate?.driftPpm ?? 0) - wrongPpm)).toBeLessThan(3);
    }
  },
);

test.each([-100, 100])('a platform that is slewed by %i ppm for an hour is followed', (ppm) => {
  const path = { ...lte, jitterUs: 3_000, slew: { fromUs: 1_200e6, ppm } };
  const errors = [18, 19].map((seed) => {
    const simulated = new SimulatedPath(path, seed);
    const filter = new ClockFilter(lte.driftPpm);
    return Array.from({ length: 160 }, (_, index) => {
      filter.addBurst(simulated.burst(index * 30e6));
      const askedUs = index * 30e6 + 29e6;
      return askedUs + (filter.estimate(askedUs)?.offsetUs ?? 0) - simulated.truthUs(askedUs);
    });
  });
  const [a = [], b = []] = errors;
  const pairs = a.map((errorUs, index) => Math.abs(errorUs - (b[index] ?? 0)));
  expect(Math.max(...a.map(Math.abs), ...b.map(Math.abs))).toBeLessThan(15_000);
  expect(quantile(pairs.slice(40), 0.5)).toBeLessThan(200);
});
