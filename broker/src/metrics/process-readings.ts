import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Gauge, Registry } from 'prom-client';

/** How often the event loop is looked at; what it reports as a delay includes this span. */
const LOOK_EVERY_MS = 10;
const QUANTILES = [0.5, 0.99, 1];

/** What only the process as a whole can tell: how late its event loop is, and its memory. */
export class ProcessReadings {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  readonly #registry = new Registry();

  constructor() {
    const delay: Gauge<'quantile'> = new Gauge({
      name: 'loalang_broker_event_loop_delay_seconds',
      help: 'By how much the event loop was late since the last time that this was asked',
      labelNames: ['quantile'],
      registers: [this.#registry],
      collect: () => {
        for (const quantile of QUANTILES) delay.set({ quantile }, this.#lateS(quantile));
        this.#delay.reset();
      },
    });
    const memory: Gauge<'kind'> = new Gauge({
      name: 'loalang_broker_memory_bytes',
      help: 'Memory of the process',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect: () => {
        const { rss, heapUsed, external } = process.memoryUsage();
        memory.set({ kind: 'resident' }, rss);
        memory.set({ kind: 'heap' }, heapUsed);
        memory.set({ kind: 'buffers' }, external);
      },
    });
    const cpu: Gauge = new Gauge({
      name: 'loalang_broker_cpu_seconds_total',
      help: 'CPU time of the process, user and system',
      registers: [this.#registry],
      collect: () => {
        const { user, system } = process.cpuUsage();
        cpu.set((user + system) / 1e6);
      },
    });
  }

  start(): void {
    this.#delay.enable();
  }

  close(): void {
    this.#delay.disable();
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #lateS(quantile: number): number {
    if (this.#delay.count === 0) return 0;
    const ns = quantile === 1 ? this.#delay.max : this.#delay.percentile(quantile * 100);
    return Math.max(0, ns / 1e9 - LOOK_EVERY_MS / 1000);
  }
}
