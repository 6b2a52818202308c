import type { Baseline, Exchange } from './baseline.ts';

/** Bursts of 8, one after another, each 10 s (Sendspin/sendspin-cpp, src/time_burst.h). */
const BURST = 8;
const INTERVAL_US = 10_000_000;
/** Its tuning (src/time_filter.h); variances for a microsecond. */
const DRIFT_VARIANCE = 5e-11 ** 2;
const FORGET = 1.1 ** 2;
const CUTOFF = 2;
const MIN_SAMPLES = 100;
const SIGNIFICANT = 2;

interface Measurement {
  readonly offsetUs: number;
  readonly errorUs: number;
  readonly atUs: number;
}

/**
 * Sendspin's filter (Sendspin-Protocol/time-filter, docs/theory.md): a Kalman filter of offset and drift over the exchange
 * with the lowest round trip of each burst, as uncertain as half that round trip; where the residual is far larger, all
 * covariances are blown up. A drift that is not significant is not used.
 */
export class SendspinFilter implements Baseline {
  #best: Measurement | null = null;
  #inBurst = 0;
  #count = 0;
  #atUs = 0;
  #offsetUs = 0;
  #drift = 0;
  #varOffset = 0;
  #varCross = 0;
  #varDrift = 0;

  pauseUs(): number {
    return this.#inBurst === 0 ? INTERVAL_US : 0;
  }

  take({ t1, t2, t3, t4 }: Exchange): void {
    const errorUs = (t4 - t1 - (t3 - t2)) / 2;
    if (this.#best === null || errorUs < this.#best.errorUs) {
      this.#best = { offsetUs: (t2 - t1 + (t3 - t4)) / 2, errorUs, atUs: t4 };
    }
    this.#inBurst = (this.#inBurst + 1) % BURST;
    if (this.#inBurst !== 0) return;
    this.#update(this.#best);
    this.#best = null;
  }

  offsetUs(localUs: number): number | null {
    if (this.#count === 0) return null;
    const isSignificant = this.#drift ** 2 > SIGNIFICANT ** 2 * this.#varDrift;
    return this.#offsetUs + (isSignificant ? this.#drift * (localUs - this.#atUs) : 0);
  }

  #update(measured: Measurement): void {
    const dt = measured.atUs - this.#atUs;
    this.#atUs = measured.atUs;
    const noise = measured.errorUs ** 2;
    if (this.#count < 2) this.#begin(measured, dt, noise);
    else this.#follow(measured, dt, noise);
    this.#count += 1;
  }

  #begin({ offsetUs }: Measurement, dt: number, noise: number): void {
    if (this.#count === 1) {
      this.#drift = (offsetUs - this.#offsetUs) / dt;
      this.#varDrift = (this.#varOffset + noise) / dt ** 2;
    }
    this.#offsetUs = offsetUs;
    this.#varOffset = noise;
  }

  #follow({ offsetUs, errorUs }: Measurement, dt: number, noise: number): void {
    this.#offsetUs += this.#drift * dt;
    this.#varOffset += 2 * this.#varCross * dt + this.#varDrift * dt * dt;
    this.#varCross += this.#varDrift * dt;
    this.#varDrift += DRIFT_VARIANCE * dt;
    const residual = offsetUs - this.#offsetUs;
    if (this.#count >= MIN_SAMPLES && Math.abs(residual) > CUTOFF * errorUs) this.#forget();
    const scale = 1 / (this.#varOffset + noise);
    const [gain, driftGain] = [this.#varOffset * scale, this.#varCross * scale];
    this.#offsetUs += gain * residual;
    this.#drift += driftGain * residual;
    this.#varDrift -= driftGain * this.#varCross;
    this.#varCross -= driftGain * this.#varOffset;
    this.#varOffset -= gain * this.#varOffset;
  }

  #forget(): void {
    this.#varOffset *= FORGET;
    this.#varCross *= FORGET;
    this.#varDrift *= FORGET;
  }
}
