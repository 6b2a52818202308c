import type { MonotonicClock, Rtc } from '../clock/index.ts';
import type { Board, BoardReading } from '../health/index.ts';
import { PacedNullSink, type Render, type Sink } from '../sink/index.ts';

/** For tests: a battery-backed clock that counts milliseconds, and is right until it is moved. */
export class BenchRtc implements Rtc {
  readonly stepMs = 1;
  offsetMs = 0;

  readMs(): number {
    return Math.round(performance.timeOrigin + performance.now() + this.offsetMs);
  }

  setMs(unixMs: number): Promise<void> {
    this.offsetMs += unixMs - this.readMs();
    return Promise.resolve();
  }
}

/** For tests: a board whose amplifier draws half an ampere while it is on. */
export class BenchBoard implements Board {
  readonly model = 'bench';
  readonly serial = 'B-0001';
  readonly rtc: BenchRtc | null;
  isAmplifierOn = false;
  readonly switchings: boolean[] = [];

  constructor(rtc: BenchRtc | null = new BenchRtc()) {
    this.rtc = rtc;
  }

  read(): BoardReading {
    return {
      temperatureC: 41,
      diskFreeMB: 1_000,
      memoryFreeMB: 200,
      network: 'lan',
      signalBars: null,
      hasMains: true,
      isAmplifierOn: this.isAmplifierOn,
      amplifierA: this.isAmplifierOn ? 0.5 : 0,
    };
  }

  setAmplifier(isOn: boolean): void {
    if (this.isAmplifierOn !== isOn) this.switchings.push(isOn);
    this.isAmplifierOn = isOn;
  }
}

/** For tests: the paced null sink, with everything that went through it and when it was heard. */
export class TapSink implements Sink {
  readonly kind = 'tap';
  readonly blocks: { heardAtUs: number; samples: Float32Array }[] = [];
  readonly #sink: PacedNullSink;

  constructor(clock: MonotonicClock) {
    this.#sink = new PacedNullSink({ clock });
  }

  async start(render: Render): Promise<void> {
    await this.#sink.start((heardAtUs, out) => {
      render(heardAtUs, out);
      this.blocks.push({ heardAtUs, samples: out.slice() });
    });
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  /** What was heard from a monotonic moment on; silence where nothing was. */
  heard(fromUs: number, durationMs: number): Float32Array {
    const out = new Float32Array(durationMs * 48);
    for (const { heardAtUs, samples } of this.blocks) {
      const at = Math.round(((heardAtUs - fromUs) * 48) / 1000);
      samples.forEach((sample, index) => {
        if (at + index >= 0 && at + index < out.length) out[at + index] = sample;
      });
    }
    return out;
  }

  /** The loudest sample so far. */
  get peak(): number {
    return this.blocks.reduce(
      (most, { samples }) => samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), most),
      0,
    );
  }
}
