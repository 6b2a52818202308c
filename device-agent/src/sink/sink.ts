/** Asked by a sink for the samples that will be heard from a monotonic moment on: mono, 48 kHz, all of `out`. */
export type Render = (heardAtUs: number, out: Float32Array) => void;

/** Where sound goes. It pulls: it knows when what it writes will be heard. */
export interface Sink {
  readonly kind: string;
  start(render: Render): Promise<void>;
  /** Stops pulling and gives the device or file back. May be called twice. */
  close(): Promise<void>;
}
