import type { MonotonicClock, Timer } from '../clock/index.ts';
import type { Playing } from '../playout/index.ts';
import type { Board } from './board.ts';

/** What was rendered last is still in the sink when the playout falls silent; then the amplifier is muted. */
const HOLD_MS = 500;
const MEASURE_EVERY_MS = 500;
/** An amplifier that drives a horn draws more than this, even in the pauses of speech. */
const NO_CURRENT_A = 0.02;
/** So many readings without current in a row are a fault: four seconds. */
const READINGS_TO_A_FAULT = 8;
/** Means are kept for the proofs of what ended last; the oldest is forgotten. */
const MAX_MEANS = 32;

/** Switches the amplifier on only while something sounds, and measures what it draws meanwhile. */
export class Amplifier {
  readonly #board: Board;
  readonly #clock: MonotonicClock;
  readonly #onChange: () => void;
  readonly #sums = new Map<string, { amperes: number; readings: number }>();
  #playing: Playing | null = null;
  #hold: Timer | null = null;
  #measuring: Timer | null = null;
  #readingsWithoutCurrent = 0;

  constructor(board: Board, clock: MonotonicClock, onChange: () => void) {
    this.#board = board;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get hasFault(): boolean {
    return this.#readingsWithoutCurrent >= READINGS_TO_A_FAULT;
  }

  /** Something sounds from now on, or nothing. */
  sounding(playing: Playing | null): void {
    this.#playing = playing;
    this.#hold?.cancel();
    this.#hold = null;
    if (playing === null) {
      this.#hold = this.#clock.after(HOLD_MS, () => this.mute());
      return;
    }
    this.#board.setAmplifier(true);
    this.#measuring ??= this.#clock.after(MEASURE_EVERY_MS, () => this.#measure());
  }

  /** Nothing comes out from now on. */
  mute(): void {
    this.#hold?.cancel();
    this.#measuring?.cancel();
    this.#hold = null;
    this.#measuring = null;
    this.#board.setAmplifier(false);
    this.#onChange();
  }

  /** Mean current while this broadcast sounded; null where the board can't measure. */
  meanA(broadcastId: string): number | null {
    const sum = this.#sums.get(broadcastId);
    return sum === undefined ? null : Math.round((sum.amperes / sum.readings) * 1000) / 1000;
  }

  #measure(): void {
    this.#measuring = this.#clock.after(MEASURE_EVERY_MS, () => this.#measure());
    const { amplifierA } = this.#board.read();
    if (this.#playing === null || amplifierA === null) return;
    this.#add(this.#playing.broadcastId, amplifierA);
    const hadFault = this.hasFault;
    this.#readingsWithoutCurrent = amplifierA > NO_CURRENT_A ? 0 : this.#readingsWithoutCurrent + 1;
    if (hadFault !== this.hasFault) this.#onChange();
  }

  #add(broadcastId: string, amplifierA: number): void {
    const sum = this.#sums.get(broadcastId) ?? { amperes: 0, readings: 0 };
    this.#sums.delete(broadcastId);
    this.#sums.set(broadcastId, { amperes: sum.amperes + amplifierA, readings: sum.readings + 1 });
    const oldest = this.#sums.keys().next();
    if (this.#sums.size > MAX_MEANS && oldest.done !== true) this.#sums.delete(oldest.value);
  }
}
