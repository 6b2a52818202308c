// Runs on the browser's audio thread: cuts what the microphone gives (128 samples at a time) into blocks of 20 ms and
// hands them over. Nothing else, since a pause here is a hole in the sound.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** 20 ms at 48 kHz: one Opus frame. */
const BLOCK_SAMPLES = 960;

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK_SAMPLES);
  #filled = 0;

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = inputs[0]?.[0];
    if (samples !== undefined) this.#take(samples);
    return true;
  }

  #take(samples: Float32Array): void {
    let taken = 0;
    while (taken < samples.length) {
      const part = samples.subarray(taken, taken + BLOCK_SAMPLES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled < BLOCK_SAMPLES) return;
      const full = this.#block;
      this.#block = new Float32Array(BLOCK_SAMPLES);
      this.#filled = 0;
      this.port.postMessage(full, [full.buffer]);
    }
  }
}

registerProcessor('capture', Capture);
