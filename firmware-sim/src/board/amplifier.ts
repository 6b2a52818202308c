/** A class D amplifier of 50 W behind a 24 V supply, with a mute line. Currents in amperes at 24 V. */

/** With the mute line drawn only its supply leaks. */
const MUTED_A = 0.02;
/** Switching without a signal. */
const IDLE_A = 0.15;
/** A sine at full scale: 50 W at an efficiency of 0.85. */
const FULL_SINE_A = 50 / 0.85 / 24;
/** Mean square of that sine. */
const FULL_SINE_POWER = 0.5;

/** The current an amplifier draws while a signal of this mean square (1: a full-scale square wave) goes through it. */
export function amplifierCurrentA(state: { isOn: boolean; meanSquare: number; isDead: boolean }): number {
  if (state.isDead) return 0;
  if (!state.isOn) return MUTED_A;
  return IDLE_A + (FULL_SINE_A * state.meanSquare) / FULL_SINE_POWER;
}

/** Over this span what sounds is averaged: as fast as the current sensor of a board. */
const AVERAGE_US = 300_000;

/** Follows the mean square of what is rendered. Falls silent by itself when nothing is rendered any more. */
export class LevelMeter {
  #meanSquare = 0;
  #atUs = Number.NEGATIVE_INFINITY;

  /** Takes samples whose first is heard at this time. */
  add(heardAtUs: number, samples: Float32Array, sampleRate: number): void {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const spanUs = (samples.length * 1e6) / sampleRate;
    const weight = Math.exp(-spanUs / AVERAGE_US);
    this.#meanSquare = this.read(heardAtUs) * weight + (sum / Math.max(1, samples.length)) * (1 - weight);
    this.#atUs = heardAtUs + spanUs;
  }

  read(nowUs: number): number {
    const silentUs = Math.max(0, nowUs - this.#atUs);
    return Number.isFinite(silentUs) ? this.#meanSquare * Math.exp(-silentUs / AVERAGE_US) : 0;
  }
}
