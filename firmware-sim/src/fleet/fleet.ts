import { systemClock, type MonotonicClock, type Timer } from '@loalang/device-agent';
import type { Logger } from 'pino';
import { mild4g, type NetworkProfile } from '../network/profile.ts';
import { Receiver, type Surroundings } from './receiver.ts';
import type { RecordingOptions } from './recorder.ts';
import { ReferenceTime } from './reference-time.ts';
import { placeOf, type SampleDevice } from './sample.ts';

export interface FleetOptions {
  /** Each receiver has a folder `<unitId>-<number>` in it. */
  readonly dataFolder: string;
  readonly platformUrl: string;
  readonly brokerUrl: string;
  /** Public root key, base64url. */
  readonly rootKey: string;
  readonly devices: readonly SampleDevice[];
  readonly log: Logger;
  /** `mild4g` unless given; null: no virtual network. */
  readonly network?: NetworkProfile | null;
  /** One minute unless given. */
  readonly recording?: RecordingOptions;
  readonly clock?: MonotonicClock;
}

const ONE_MINUTE: RecordingOptions = { segmentMs: 10_000, keepSegments: 6 };
/** The receivers are switched on one after the other, so that a district does not join in one instant. */
const START_STEP_MS = 100;
const LONGEST_SPREAD_MS = 2_000;
/** A receiver that is still starting after this long does not hold up the others' word that they are there. */
const START_WITHIN_MS = 10_000;

/** Many receivers in one process. What befalls one does not touch the others. */
export class Fleet {
  readonly #clock: MonotonicClock;
  readonly #receivers = new Map<string, Receiver>();
  readonly #timers = new Set<Timer>();
  #cancelStart: () => void = () => undefined;

  constructor(options: FleetOptions) {
    const clock = options.clock ?? systemClock;
    const around: Surroundings = {
      dataFolder: options.dataFolder,
      platformUrl: options.platformUrl,
      brokerUrl: options.brokerUrl,
      rootKey: options.rootKey,
      network: options.network === undefined ? mild4g : options.network,
      recording: options.recording ?? ONE_MINUTE,
      clock,
      reference: new ReferenceTime(() => ({ wallMs: Date.now(), monotonicUs: clock.nowUs() })),
      log: options.log,
    };
    this.#clock = clock;
    for (const device of options.devices) this.#receivers.set(placeOf(device), new Receiver(device, around));
  }

  get receivers(): readonly Receiver[] {
    return [...this.#receivers.values()];
  }

  /** The receiver of a place. Throws where the sample has none. */
  receiver(unitId: string, number: number): Receiver {
    const receiver = this.#receivers.get(placeOf({ unitId, number }));
    if (receiver === undefined) throw new RangeError(`there is no receiver ${number} in ${unitId}`);
    return receiver;
  }

  /** The folder in which a receiver's sound is recorded. */
  recordings(unitId: string, number: number): string {
    return this.receiver(unitId, number).recordings;
  }

  /** Switches all on, spread over two seconds at most. Resolves once each has started or failed, at the latest after some seconds. */
  async start(): Promise<void> {
    const stepMs = Math.min(START_STEP_MS, LONGEST_SPREAD_MS / Math.max(1, this.#receivers.size));
    const started = this.receivers.map(async (receiver, index) => {
      await this.#wait(index * stepMs);
      await receiver.start();
    });
    const isCancelled = new Promise<void>((resolve) => {
      this.#cancelStart = resolve;
    });
    await Promise.race([Promise.all(started), this.#wait(START_WITHIN_MS), isCancelled]);
  }

  /** Switches all off in good order, at the same time. May be called twice. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#cancelStart();
    await Promise.all(this.receivers.map(async (receiver) => receiver.close()));
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(ms, () => {
        this.#timers.delete(timer);
        resolve();
      });
      this.#timers.add(timer);
    });
  }
}
