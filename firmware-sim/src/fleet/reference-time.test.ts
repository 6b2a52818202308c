import { expect, test } from 'vitest';
import { ReferenceTime } from './reference-time.ts';

const START_MS = 1_800_000_000_000;

/** A machine whose monotonic clock started with it, and whose system clock runs by so much too fast. */
class Machine {
  monotonicUs = 5_000_000;
  stepMs = 0;
  readonly #wallPpm: number;

  constructor(wallPpm: number) {
    this.#wallPpm = wallPpm;
  }

  get wallUs(): number {
    return START_MS * 1000 + this.stepMs * 1000 + this.monotonicUs * (1 + this.#wallPpm / 1e6);
  }

  read(): { wallMs: number; monotonicUs: number } {
    return { wallMs: Math.floor(this.wallUs / 1000), monotonicUs: this.monotonicUs };
  }
}

function worstErrorUs(machine: Machine, seconds: number): number {
  const reference = new ReferenceTime(() => machine.read());
  let worst = 0;
  for (let step = 0; step < seconds * 10; step += 1) {
    machine.monotonicUs += 100_000;
    worst = Math.max(worst, Math.abs(reference.at(machine.monotonicUs) - machine.wallUs));
  }
  return worst;
}

test.each([0, 40, -80])(
  'a system clock that runs %d ppm off the monotonic one is followed within a millisecond',
  (ppm) => {
    expect(worstErrorUs(new Machine(ppm), 3600)).toBeLessThanOrEqual(1010);
  },
);

test('a step of the system clock is taken out at 100 ppm, never at once', () => {
  const machine = new Machine(0);
  const reference = new ReferenceTime(() => machine.read());
  machine.stepMs = 50;
  machine.monotonicUs += 10_000_000;
  expect(machine.wallUs - reference.at(machine.monotonicUs)).toBeGreaterThan(48_000);
  machine.monotonicUs += 1_000_000_000;
  expect(Math.abs(machine.wallUs - reference.at(machine.monotonicUs))).toBeLessThanOrEqual(1000);
});
