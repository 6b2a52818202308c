// For tests: a sink without time.
import { BroadcastChannel } from 'node:worker_threads';
import { createOpusDecoder } from '@loalang/shared/opus';
import type { MonotonicClock } from '../clock/index.ts';
import type { OnSinkHealth, Render, Sink } from '../sink/index.ts';

export const BLOCK_SAMPLES = 960;

export type Step =
  /** Renders so many blocks from a monotonic moment on; `told` counts them, for whoever can't take messages. */
  | {
      readonly kind: 'play';
      readonly fromUs: number;
      readonly blocks: number;
      readonly told?: Int32Array<SharedArrayBuffer>;
    }
  | { readonly kind: 'fail'; readonly failure: string | null }
  | { readonly kind: 'crash' }
  | { readonly kind: 'hang' };

/** Renders when it is told to. Time is where it last was. */
export class SteppedSink implements Sink {
  readonly kind = 'stepped';
  #render: Render = () => {};
  #onHealth: OnSinkHealth = () => {};
  #nowUs = 0;
  #begin: () => void = () => {};
  readonly #begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });
  readonly clock: MonotonicClock = { nowUs: () => this.#nowUs, after: () => ({ cancel: () => {} }) };

  start(render: Render, onHealth: OnSinkHealth = () => {}): Promise<void> {
    this.#render = render;
    this.#onHealth = onHealth;
    this.#begin();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What was heard of it. */
  async take(step: Step): Promise<Float32Array> {
    await this.#begun;
    switch (step.kind) {
      case 'play':
        return this.#play(step);
      case 'fail':
        this.#onHealth(step.failure === null ? null : new Error(step.failure));
        break;
      case 'crash':
        // Out of the reach of whoever asked, as a broken library would.
        setImmediate(() => {
          throw new Error('crashed');
        });
        break;
      case 'hang':
        for (;;);
    }
    return new Float32Array(0);
  }

  async #play({ fromUs, blocks, told }: Extract<Step, { kind: 'play' }>): Promise<Float32Array> {
    const heard = new Float32Array(blocks * BLOCK_SAMPLES);
    for (let block = 0; block < blocks; block += 1) {
      this.#nowUs = fromUs + block * 20_000;
      this.#render(this.#nowUs, heard.subarray(block * BLOCK_SAMPLES, (block + 1) * BLOCK_SAMPLES));
      // Decoders come by promises: one that is asked for now comes after those that were asked for before.
      if (block % 25 === 0) (await createOpusDecoder()).close();
      await new Promise((resolve) => setImmediate(resolve));
      if (told !== undefined) Atomics.add(told, 0, 1);
      if (told !== undefined) Atomics.notify(told, 0);
    }
    return heard;
  }
}

/** Between all threads of the process: what another says, and a way to say something to it. */
export function stepChannel(onSaid: (said: Step | Float32Array) => void) {
  const channel = new BroadcastChannel('stepped');
  channel.addEventListener('message', (event) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody else knows of the channel
    onSaid((event as Event & { data: Step | Float32Array }).data);
  });
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is no window
    say: (what: Step | Float32Array): void => channel.postMessage(what),
    close: (): void => channel.close(),
  };
}
