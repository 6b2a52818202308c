// For tests only: a clock moved by hand, and a sound card of which the truth is known.
import type { MonotonicClock, Timer } from '../clock/monotonic.ts';
import { PcmError } from './pcm.ts';
import type { Pcm, PcmState, PcmStatus } from './pcm.ts';

/** Time that only moves when it is told to. */
export class HandClock implements MonotonicClock {
  #nowUs = 5_000_000;
  #timers: { atUs: number; fn: () => void }[] = [];

  nowUs(): number {
    return this.#nowUs;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { atUs: this.#nowUs + ms * 1000, fn };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }

  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves on, firing timers at their time; those fire late that a stop of the process has held up. */
  advance(ms: number): void {
    const untilUs = this.#nowUs + ms * 1000;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atUs - b.atUs)[0];
      if (next === undefined || next.atUs > untilUs) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.fn();
    }
    this.#nowUs = untilUs;
  }

  stopFor(ms: number): void {
    this.#nowUs += ms * 1000;
  }
}

/** Plays at its own rate against the clock, and keeps what it played and when. */
export class FakePcm implements Pcm {
  readonly bufferFrames = 9_600;
  readonly heard: { atUs: number; sample: number }[] = [];
  readonly clock: HandClock;
  readonly ppm: number;
  /** Every call fails with this. */
  fault: string | null = null;
  suspended = false;
  /** How often `resume` says that the driver is not back yet; negative: it can't resume at all. */
  resumeAfter = 0;
  isStuck = false;
  /** Takes no more than this at once. */
  mostFrames = Infinity;
  isClosed = false;
  starts = 0;
  #state: PcmState = 'idle';
  #startUs = 0;
  #written = 0;

  constructor(clock: HandClock, ppm = 0) {
    this.clock = clock;
    this.ppm = ppm;
  }

  status(): PcmStatus {
    this.#throwFault();
    if (this.suspended) return { state: 'suspended', availableFrames: 0, delayFrames: 0, atUs: 0 };
    if (this.#state === 'running' && !this.isStuck && this.#played() >= this.#written) {
      this.#state = 'underrun';
    }
    const delayFrames = this.isStuck ? this.#written : Math.ceil(this.#written - this.#played());
    const availableFrames = Math.max(0, this.bufferFrames - delayFrames);
    return { state: this.#state, availableFrames, delayFrames, atUs: this.clock.nowUs() };
  }

  write(samples: Int16Array): number {
    this.#throwFault();
    if (this.suspended) throw new PcmError('ESTRPIPE', 'suspended');
    if (this.#state === 'underrun') throw new PcmError('EPIPE', 'underrun');
    const waiting = this.#state === 'running' ? this.#written - this.#played() : this.#written;
    const count = Math.min(samples.length, this.mostFrames, Math.floor(this.bufferFrames - waiting));
    for (let index = 0; index < count; index += 1) {
      this.heard.push({ atUs: this.#heardAtUs(this.#written + index), sample: samples[index] ?? 0 });
    }
    this.#written += count;
    return count;
  }

  prepare(): void {
    this.#throwFault();
    this.#state = 'prepared';
    this.suspended = false;
    this.#written = 0;
    // What is written before the start is silence; when it is heard is not told.
    this.#startUs = this.clock.nowUs();
  }

  start(): void {
    this.#throwFault();
    this.starts += 1;
    this.#state = 'running';
    this.#startUs = this.clock.nowUs();
  }

  resume(): boolean {
    if (this.resumeAfter < 0) throw new PcmError('ENOSYS', 'cannot resume');
    if (this.resumeAfter > 0) {
      this.resumeAfter -= 1;
      return false;
    }
    this.suspended = false;
    return true;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#state = 'idle';
    return Promise.resolve();
  }

  #played(): number {
    return Math.max(0, (this.clock.nowUs() - this.#startUs) * 0.048 * (1 + this.ppm * 1e-6));
  }

  #heardAtUs(frame: number): number {
    return this.#startUs + frame / 0.048 / (1 + this.ppm * 1e-6);
  }

  #throwFault(): void {
    if (this.fault !== null) throw new PcmError(this.fault, `fault ${this.fault}`);
  }
}
