import { addMs, type MediaTime } from '@loalang/shared';
import type { Clock, Timer } from './media-clock.ts';

/** A clock for tests: it stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: MediaTime;
  readonly #due = new Map<Timer, { at: MediaTime; fn: () => void }>();

  constructor(start: MediaTime) {
    this.#now = start;
  }

  now(): MediaTime {
    return this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const timer: Timer = { cancel: () => void this.#due.delete(timer) };
    this.#due.set(timer, { at: addMs(this.#now, ms), fn });
    return timer;
  }

  /** Goes on by so much; timers that fall due on the way ring in order, each at its own time. */
  advance(ms: number): void {
    const end = addMs(this.#now, ms);
    for (;;) {
      const next = [...this.#due].toSorted(([, a], [, b]) => a.at - b.at)[0];
      if (next === undefined || next[1].at > end) break;
      this.#due.delete(next[0]);
      this.#now = next[1].at;
      next[1].fn();
    }
    this.#now = end;
  }
}
