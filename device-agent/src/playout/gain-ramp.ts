/** A gain that moves to its goal in a straight line, so that no change of it is heard as a step. */
export class GainRamp {
  readonly #rampSamples: number;
  #value: number;
  #goal: number;
  #step = 0;

  constructor(initial: number, rampSamples: number) {
    this.#rampSamples = rampSamples;
    this.#value = initial;
    this.#goal = initial;
  }

  setGoal(goal: number): void {
    if (goal === this.#goal) return;
    this.#goal = goal;
    this.#step = (goal - this.#value) / this.#rampSamples;
  }

  /** Multiplies the samples in place and moves on. */
  apply(samples: Float32Array): void {
    for (let index = 0; index < samples.length; index += 1) {
      samples[index] = (samples[index] ?? 0) * this.#next();
    }
  }

  #next(): number {
    if (this.#value === this.#goal) return this.#value;
    const moved = this.#value + this.#step;
    const isThere = this.#step > 0 ? moved >= this.#goal : moved <= this.#goal;
    this.#value = isThere ? this.#goal : moved;
    return this.#value;
  }
}
