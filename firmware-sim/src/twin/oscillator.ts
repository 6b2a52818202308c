import { drawBetween, drawNormal, type Random } from '../random.ts';

/** What makes one crystal unlike another. */
export interface Crystal {
  /** As it left the factory; drawn evenly within plus and minus this, unless it is said exactly. */
  readonly factoryPpm: number | { readonly exactly: number };
  /** Half of what the warmth of the day moves it from coldest to warmest; drawn from half of this to all of it. */
  readonly dailyPpm: number;
  /** A random walk of the frequency: so many ppm after one second, growing with the root of time. */
  readonly walkPpm: number;
}

export interface OscillatorOptions extends Crystal {
  readonly random: Random;
  readonly durationUs: number;
}

/** A crystal for a few cents, in a box on a pole: 40 ppm off, 3 ppm over the day, and its own mood. */
export const CHEAP_CRYSTAL: Crystal = { factoryPpm: 40, dailyPpm: 3, walkPpm: 0.003 };

/** The frequency is held for so long: by then the walk has moved it by a hundredth of a ppm. */
const STEP_US = 10_000_000;
const DAY_US = 86_400_000_000;

/** How a crystal counts: local time as a function of true time, laid out beforehand so that any moment can be asked for. */
export class Oscillator {
  readonly #rates: Float64Array;
  readonly #localUs: Float64Array;

  constructor(options: OscillatorOptions) {
    const { random, factoryPpm, dailyPpm, walkPpm } = options;
    const steps = Math.ceil(options.durationUs / STEP_US) + 2;
    this.#rates = new Float64Array(steps);
    this.#localUs = new Float64Array(steps);
    const factory =
      typeof factoryPpm === 'number' ? drawBetween(random, -factoryPpm, factoryPpm) : factoryPpm.exactly;
    const daily = drawBetween(random, dailyPpm / 2, dailyPpm);
    const noon = random.next();
    let walk = 0;
    // It has been running since some time before.
    let localUs = Math.round(drawBetween(random, 1e7, 1e12));
    for (let step = 0; step < steps; step += 1) {
      const day = (step * STEP_US) / DAY_US;
      const ppm = factory + daily * Math.sin(2 * Math.PI * (day - noon)) + walk;
      this.#rates[step] = 1 + ppm / 1e6;
      this.#localUs[step] = localUs;
      localUs += STEP_US * (1 + ppm / 1e6);
      walk += walkPpm * Math.sqrt(STEP_US / 1e6) * drawNormal(random);
    }
  }

  localUs(trueUs: number): number {
    const step = this.#stepAt(trueUs);
    return (this.#localUs[step] ?? 0) + (trueUs - step * STEP_US) * (this.#rates[step] ?? 1);
  }

  /** Local microseconds to the true one. */
  rateAt(trueUs: number): number {
    return this.#rates[this.#stepAt(trueUs)] ?? 1;
  }

  #stepAt(trueUs: number): number {
    return Math.min(this.#rates.length - 1, Math.max(0, Math.floor(trueUs / STEP_US)));
  }
}
