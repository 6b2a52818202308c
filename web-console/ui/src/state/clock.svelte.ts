import { mediaTimeOf } from '../format/time.ts';

/** The platform's media time as the console knows it: the laptop's own clock may be minutes off. */
class MediaClock {
  /** Media time now, moved on once a second. */
  now = $state<number>(mediaTimeOf(Date.now()));
  #offsetUs = mediaTimeOf(Date.now()) - performance.now() * 1000;
  #isSet = false;
  #timer = 0;

  /** Takes the platform's time as it arrived. What took longest to arrive would set the clock back, so it is left out. */
  set(at: number): void {
    const offsetUs = at - performance.now() * 1000;
    this.#offsetUs = this.#isSet ? Math.max(this.#offsetUs, offsetUs) : offsetUs;
    this.#isSet = true;
    this.now = this.read();
  }

  /** Forgets what was learned: after a sleep of the laptop the old offset may be wrong. */
  forget(): void {
    this.#isSet = false;
  }

  read(): number {
    return Math.round(performance.now() * 1000 + this.#offsetUs);
  }

  start(): void {
    this.stop();
    this.#tick();
  }

  stop(): void {
    window.clearTimeout(this.#timer);
  }

  #tick(): void {
    this.now = this.read();
    const restMs = 1000 - ((this.now / 1000) % 1000);
    this.#timer = window.setTimeout(() => this.#tick(), restMs + 1);
  }
}

export const clock = new MediaClock();
