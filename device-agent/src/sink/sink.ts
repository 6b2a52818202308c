/**
 * Asked by a sink for the samples that will be heard from a monotonic moment on: mono, 48 kHz, all of `out`. `pace` is how
 * long a sample takes against its nominal length: 1.0001 on a card that is 100 ppm slow against the monotonic clock.
 */
export type Render = (heardAtUs: number, out: Float32Array, pace?: number) => void;

/** Told when sound can't come out any more, and (null) when it does again. The sink looks for its device by itself. */
export type OnSinkHealth = (failure: Error | null) => void;

/** Where sound goes. It pulls: it knows when what it writes will be heard. */
export interface Sink {
  readonly kind: string;
  /** Whether it is fed with real-time priority; null while that is not known, absent where it makes no difference. */
  readonly isRealTime?: boolean | null;
  /** How much faster than the monotonic clock its card plays; null until that is learnt, absent without a card. */
  readonly cardDriftPpm?: number | null;
  start(render: Render, onHealth?: OnSinkHealth): Promise<void>;
  /** Stops pulling and gives the device or file back. May be called twice. */
  close(): Promise<void>;
}
