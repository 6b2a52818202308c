import { mediaTime, type MediaTime } from '@loalang/shared';

/** The system's clock reads whole milliseconds: the truth lies up to this much after what it says. */
const READ_UNCERTAINTY_US = 1000;
const MAX_SLEW_PPM = 100;

/**
 * True media time of this machine, for the recordings: what a listener with the platform's clock would note. It is
 * independent of what the receivers think, so that their recordings show how far off they are. Follows the system's
 * clock as the platform does: monotonic, slewed by 100 ppm at most.
 */
export class ReferenceTime {
  readonly #read: () => { wallMs: number; monotonicUs: number };
  #offsetUs: number;
  #followedAtUs: number;

  constructor(read: () => { wallMs: number; monotonicUs: number }) {
    this.#read = read;
    const { wallMs, monotonicUs } = read();
    this.#offsetUs = wallMs * 1000 + READ_UNCERTAINTY_US / 2 - monotonicUs;
    this.#followedAtUs = monotonicUs;
  }

  at(monotonicUs: number): MediaTime {
    this.#follow();
    return mediaTime(Math.round(monotonicUs + this.#offsetUs));
  }

  #follow(): void {
    const { wallMs, monotonicUs } = this.#read();
    const stepUs = ((monotonicUs - this.#followedAtUs) * MAX_SLEW_PPM) / 1e6;
    this.#followedAtUs = monotonicUs;
    const aheadUs = monotonicUs + this.#offsetUs - wallMs * 1000;
    if (aheadUs < 0) this.#offsetUs += Math.min(stepUs, -aheadUs);
    if (aheadUs > READ_UNCERTAINTY_US) this.#offsetUs -= Math.min(stepUs, aheadUs - READ_UNCERTAINTY_US);
  }
}
