import { describe, expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { makeSyntheticTrace, parseCapacityTrace } from './capacity-trace.ts';
import { LinkTime } from './link-time.ts';
import { mild4g, type DirectionProfile } from './profile.ts';
import { Shaper, type Flow } from './shaper.ts';

const line: DirectionProfile = { delayMs: 0, jitter: { kind: 'none' }, capacity: { kind: 'unlimited' } };

function flow(): Flow {
  return { lastReleaseUs: 0 };
}

/** Sends small chunks so far apart that none waits for another; gives how late each came, in ms. */
function delaysOf(profile: DirectionProfile, count: number, seed = 'delays'): number[] {
  const shaper = new Shaper(profile, seededRandom(seed));
  return Array.from({ length: count }, (_, index) => {
    const nowUs = index * 10_000_000;
    return (shaper.releaseAtUs(flow(), 300, nowUs) - nowUs) / 1000;
  });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('Delay', () => {
  test('a fixed delay holds every chunk for exactly that long', () => {
    expect(new Set(delaysOf({ ...line, delayMs: 25 }, 20))).toEqual(new Set([25]));
  });

  test('normal jitter keeps its mean and deviation and stays within three deviations', () => {
    const delays = delaysOf({ ...line, delayMs: 100, jitter: { kind: 'normal', deviationMs: 15 } }, 20_000);
    const mean = meanOf(delays);
    const deviation = Math.sqrt(meanOf(delays.map((value) => (value - mean) ** 2)));
    expect(mean).toBeCloseTo(100, 0);
    expect(Math.abs(deviation - 15)).toBeLessThan(0.5);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(55);
    expect(Math.max(...delays)).toBeLessThanOrEqual(145);
  });

  test('the mild network has a floor of 15 ms, a mean near 25 ms and an end at 75 ms', () => {
    const delays = delaysOf(mild4g.up, 20_000);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(15);
    expect(Math.abs(meanOf(delays) - 25)).toBeLessThan(1);
    expect(Math.max(...delays)).toBeLessThanOrEqual(75);
  });

  test('the same seed gives the same delays and another seed gives others', () => {
    expect(delaysOf(mild4g.up, 50, 'a')).toEqual(delaysOf(mild4g.up, 50, 'a'));
    expect(delaysOf(mild4g.up, 50, 'a')).not.toEqual(delaysOf(mild4g.up, 50, 'b'));
  });
});

test('chunks of one flow never overtake one another, whatever the jitter', () => {
  const shaper = new Shaper(
    { ...line, delayMs: 20, jitter: { kind: 'exponential', meanMs: 200, maxMs: 5000 } },
    seededRandom('order'),
  );
  const one = flow();
  const releases = Array.from({ length: 5000 }, (_, index) => shaper.releaseAtUs(one, 100, index * 1000));
  expect(releases).toEqual(releases.toSorted((a, b) => a - b));
});

describe('Rate', () => {
  const slow: DirectionProfile = { ...line, capacity: { kind: 'rate', kbps: 800, burstBytes: 2000 } };

  test('a long transfer takes as long as its bytes at the rate, less the burst', () => {
    const shaper = new Shaper(slow, seededRandom('rate'));
    const one = flow();
    const releases = Array.from({ length: 1000 }, () => shaper.releaseAtUs(one, 1000, 0));
    // 1 MB less 2 kB at 100 kB/s.
    expect(releases.at(-1)).toBeCloseTo(9_980_000, 0);
  });

  test('two connections share one rate', () => {
    const shaper = new Shaper(slow, seededRandom('shared'));
    const [one, two] = [flow(), flow()];
    for (let index = 0; index < 100; index += 1) shaper.releaseAtUs(one, 1000, 0);
    expect(shaper.releaseAtUs(two, 1000, 0)).toBeCloseTo(990_000, 0);
  });

  test('after a rest a burst passes at once, but no more than the burst', () => {
    const shaper = new Shaper(slow, seededRandom('burst'));
    const one = flow();
    expect(shaper.releaseAtUs(one, 2000, 60_000_000)).toBe(60_000_000);
    expect(shaper.releaseAtUs(one, 1000, 60_000_000)).toBe(60_010_000);
  });

  test('a rate of nothing is refused', () => {
    const still: DirectionProfile = { ...line, capacity: { kind: 'rate', kbps: 0, burstBytes: 0 } };
    expect(() => new Shaper(still, seededRandom('zero'))).toThrow(RangeError);
  });
});

test('in an outage nothing comes, and afterwards everything comes later by its length', () => {
  const time = new LinkTime();
  const shaper = new Shaper({ ...line, delayMs: 40 }, seededRandom('outage'));
  const one = flow();
  const before = shaper.releaseAtUs(one, 100, time.toLinkUs(0));
  time.stall(10_000);
  time.stall(500_000);
  expect(time.isStalled).toBe(true);
  expect(time.toLinkUs(5_000_000)).toBeLessThan(before);
  const during = shaper.releaseAtUs(one, 100, time.toLinkUs(3_000_000));
  time.resume(10_010_000);
  expect(time.toLinkUs(10_040_000)).toBe(before);
  expect(time.toLinkUs(10_050_000)).toBe(during);
});

describe('Recorded radios', () => {
  test('bytes leave at the moments of the trace, and a moment without bytes is lost', () => {
    const trace = parseCapacityTrace('10\n10\n20\n100\n');
    const shaper = new Shaper({ ...line, capacity: { kind: 'trace', trace } }, seededRandom('trace'));
    const one = flow();
    expect(shaper.releaseAtUs(one, 1500, 0)).toBe(10_000);
    expect(shaper.releaseAtUs(one, 2000, 0)).toBe(20_000);
    expect(shaper.releaseAtUs(one, 1000, 0)).toBe(20_000);
    expect(shaper.releaseAtUs(one, 1, 0)).toBe(100_000);
    expect(shaper.releaseAtUs(one, 100, 115_000)).toBe(120_000);
    expect(shaper.releaseAtUs(one, 1500, 10_000_000)).toBe(10_010_000);
  });

  test.each([
    ['nothing', ''],
    ['a word', '1\nten\n'],
    ['a falling time', '5\n4\n'],
    ['a fraction', '1.5\n'],
    ['a negative time', '-1\n5\n'],
    ['only the start', '0\n0\n'],
  ])('a trace that holds %s is refused', (_what, text) => {
    expect(() => parseCapacityTrace(text)).toThrow(SyntaxError);
  });

  test('a synthetic trace keeps near its mean, has outages, and its seed decides it', () => {
    const options = {
      seed: 'hill',
      seconds: 600,
      meanKbps: 2000,
      secondsBetweenOutages: 60,
      outageSeconds: 5,
    };
    const trace = makeSyntheticTrace(options);
    const kbps = (trace.opportunitiesMs.length * 1500 * 8) / (trace.periodMs / 1000) / 1000;
    expect(kbps).toBeGreaterThan(1000);
    expect(kbps).toBeLessThan(4500);
    const gapsMs = trace.opportunitiesMs.map((atMs, index) => atMs - (trace.opportunitiesMs[index - 1] ?? 0));
    expect(Math.max(...gapsMs)).toBeGreaterThan(2000);
    expect(makeSyntheticTrace(options)).toEqual(trace);
    expect(parseCapacityTrace(trace.opportunitiesMs.join('\n'))).toEqual(trace);
  });
});
