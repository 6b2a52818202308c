import type { MonotonicClock, Timer } from '@loalang/device-agent';
import type { Oscillator } from './oscillator.ts';

interface Event {
  readonly atUs: number;
  readonly order: number;
  fn: (() => void) | null;
}

/**
 * True time that passes only from event to event (microseconds since the run began). What is due at one moment happens
 * in the order in which it was asked for, so that a seed tells one story.
 */
export class VirtualTime {
  /** A binary heap by time, then order. Bounded by what a receiver has under way. */
  readonly #heap: Event[] = [];
  #nowUs = 0;
  #order = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  at(atUs: number, fn: () => void): Timer {
    this.#order += 1;
    const event: Event = { atUs: Math.max(atUs, this.#nowUs), order: this.#order, fn };
    this.#push(event);
    return {
      cancel: () => {
        event.fn = null;
      },
    };
  }

  /** Lets everything happen that is due until then, that moment included. */
  runUntil(endUs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atUs <= endUs; next = this.#heap[0]) {
      this.#pop();
      this.#nowUs = next.atUs;
      next.fn?.();
    }
    this.#nowUs = endUs;
  }

  #push(event: Event): void {
    let index = this.#heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = left + 1 < this.#heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (child >= this.#heap.length || !this.#isBefore(child, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    return first.atUs < second.atUs || (first.atUs === second.atUs && first.order < second.order);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}

/** The monotonic clock of one virtual board: its crystal counts true time a little wrong. */
export class BoardClock implements MonotonicClock {
  readonly #time: VirtualTime;
  readonly #crystal: Oscillator;

  constructor(time: VirtualTime, crystal: Oscillator) {
    this.#time = time;
    this.#crystal = crystal;
  }

  nowUs(): number {
    return Math.floor(this.#crystal.localUs(this.#time.nowUs));
  }

  after(ms: number, fn: () => void): Timer {
    const waitUs = (ms * 1000) / this.#crystal.rateAt(this.#time.nowUs);
    return this.#time.at(this.#time.nowUs + waitUs, fn);
  }
}
