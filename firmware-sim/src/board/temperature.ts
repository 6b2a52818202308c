/** Degrees that a watt of loss adds to a closed box on a pole, once it has settled. */
const KELVIN_PER_WATT = 1.6;
/** The box follows a change over about this long. */
const SETTLE_SECONDS = 600;

/** A box that warms up by what is lost in it and cools down to the air around it (one pole, solved exactly). */
export class BoxTemperature {
  #degreesC: number;

  constructor(ambientC: number) {
    this.#degreesC = ambientC;
  }

  get degreesC(): number {
    return this.#degreesC;
  }

  advance(seconds: number, state: { ambientC: number; lossW: number }): void {
    const settledC = state.ambientC + KELVIN_PER_WATT * state.lossW;
    this.#degreesC = settledC + (this.#degreesC - settledC) * Math.exp(-seconds / SETTLE_SECONDS);
  }
}
