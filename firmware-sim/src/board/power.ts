/** A lead battery behind a charger, as far as a board can see it. Pure: whoever asks says how long and how much. */
export class Battery {
  readonly #capacityWh: number;
  #chargeWh: number;

  constructor(capacityWh: number) {
    this.#capacityWh = capacityWh;
    this.#chargeWh = capacityWh;
  }

  /** 0 to 100. */
  get percent(): number {
    return (100 * this.#chargeWh) / this.#capacityWh;
  }

  /** Drains by the load, or charges at a tenth of the capacity an hour while there is mains. */
  advance(seconds: number, state: { hasMains: boolean; loadW: number }): void {
    const powerW = state.hasMains ? this.#capacityWh / 10 : -state.loadW;
    const wanted = this.#chargeWh + (powerW * seconds) / 3600;
    this.#chargeWh = Math.min(this.#capacityWh, Math.max(0, wanted));
  }
}
