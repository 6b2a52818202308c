import { PacedNullSink, systemClock, type Render, type Sink } from '@loalang/device-agent';

const WINDOW_SAMPLES = 480;

/** A paced null sink that counts what went through it: stretches of digital silence after the first sound. */
export class CountSink implements Sink {
  readonly kind = 'count';
  readonly #sink = new PacedNullSink({ clock: systemClock });
  /** Stretches of silence that ended with a sound, ms. */
  readonly silencesMs: number[] = [];
  #hasSounded = false;
  #silentSamples = 0;

  async start(render: Render): Promise<void> {
    await this.#sink.start((heardAtUs, out) => {
      render(heardAtUs, out);
      for (let at = 0; at < out.length; at += WINDOW_SAMPLES)
        this.#count(out.subarray(at, at + WINDOW_SAMPLES));
    });
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  #count(window: Float32Array): void {
    if (window.every((sample) => sample === 0)) {
      this.#silentSamples += window.length;
      return;
    }
    if (this.#hasSounded && this.#silentSamples > 0) this.silencesMs.push(this.#silentSamples / 48);
    this.#hasSounded = true;
    this.#silentSamples = 0;
  }
}
