import type { MonotonicClock } from '../clock/monotonic.ts';
import { PacedLine } from './paced-line.ts';
import type { Render, Sink } from './sink.ts';

/** Pulls as a sound card would, and lets the samples go. */
export class PacedNullSink implements Sink {
  readonly kind = 'null';
  readonly #line: PacedLine;

  constructor({ clock }: { clock: MonotonicClock }) {
    this.#line = new PacedLine(clock, () => {});
  }

  start(render: Render): Promise<void> {
    this.#line.start(render);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#line.close();
    return Promise.resolve();
  }
}
