import type { Board, MonotonicClock, Sink } from '@loalang/device-agent';
import type { Status } from '@loalang/shared';
import { SAMPLE_RATE } from '@loalang/shared/opus';
import { drawBetween, drawNormal, seededRandom, type Random } from '../random.ts';
import { amplifierCurrentA, LevelMeter } from './amplifier.ts';
import { Battery } from './power.ts';
import { VirtualRtc } from './rtc.ts';
import { BoxTemperature } from './temperature.ts';

/** What can be wrong with a board. */
export interface BoardFaults {
  /** The amplifier draws nothing, whatever is asked of it. */
  readonly isAmplifierDead: boolean;
  readonly isOverheated: boolean;
  readonly isMainsLost: boolean;
  readonly isSignalWeak: boolean;
  readonly isDiskFull: boolean;
  /** The battery of the clock: it forgets the time with the next power cut. */
  readonly isRtcBatteryDead: boolean;
}

export interface VirtualBoardOptions {
  readonly seed: string;
  readonly clock: MonotonicClock;
  readonly network?: 'lan' | '4g' | 'wifi';
  /** Null: a board without a battery-backed clock. By default one that is right now. */
  readonly rtc?: VirtualRtc | null;
}

const sound: BoardFaults = {
  isAmplifierDead: false,
  isOverheated: false,
  isMainsLost: false,
  isSignalWeak: false,
  isDiskFull: false,
  isRtcBatteryDead: false,
};

const SUPPLY_V = 24;
/** The computer and its modem. */
const COMPUTER_W = 4;
/** Of what the amplifier draws, so much stays in the box as heat. */
const AMPLIFIER_LOSS = 0.15;
const BATTERY_WH = 40;
const OVERHEATED_C = 92;
/** 8 GB of flash and 1 GB of memory, as free on a board that has run for a while. */
const DISK_FREE_MB = 5200;
const MEMORY_FREE_MB = 610;
/** The bars change at most this often, so that two readings of one moment agree. */
const SIGNAL_STEP_US = 60_000_000;

/**
 * A receiver's board without the hardware: an amplifier with a mute line, whose current depends on what sounds, and
 * sensors that tell a consistent story. The seed decides the story; faults are set from outside.
 */
export class VirtualBoard implements Board {
  readonly model = 'virtual-board 1';
  readonly serial: string;
  readonly rtc: VirtualRtc | null;
  readonly #clock: MonotonicClock;
  readonly #random: Random;
  readonly #network: 'lan' | '4g' | 'wifi';
  readonly #ambientC: number;
  readonly #usualBars: number;
  readonly #level = new LevelMeter();
  readonly #battery = new Battery(BATTERY_WH);
  readonly #box: BoxTemperature;
  #faults: BoardFaults = sound;
  #isAmplifierOn = false;
  #advancedAtUs: number;
  #bars: number;
  #barsAtUs: number;

  constructor(options: VirtualBoardOptions) {
    const { seed, clock } = options;
    this.#clock = clock;
    this.serial = `SIM ${seed}`;
    this.rtc = options.rtc === undefined ? new VirtualRtc({ seed, clock, trueMs: Date.now() }) : options.rtc;
    this.#network = options.network ?? '4g';
    this.#random = seededRandom(`board ${seed}`);
    this.#ambientC = drawBetween(this.#random, 21, 33);
    this.#usualBars = this.#random.next() < 0.3 ? 3 : 4;
    this.#box = new BoxTemperature(this.#ambientC);
    this.#bars = this.#usualBars;
    this.#advancedAtUs = clock.nowUs();
    this.#barsAtUs = this.#advancedAtUs;
  }

  get faults(): BoardFaults {
    return this.#faults;
  }

  /** 0 to 100; falls while mains is lost. */
  get batteryPercent(): number {
    this.#advance();
    return this.#battery.percent;
  }

  /** Breaks or mends what is named; the rest stays as it is. */
  setFaults(faults: Partial<BoardFaults>): void {
    this.#advance();
    this.#faults = { ...this.#faults, ...faults };
    if (this.rtc !== null) this.rtc.isBatteryDead = this.#faults.isRtcBatteryDead;
  }

  /** The power is cut: what runs on is the battery-backed clock. */
  switchOff(): void {
    this.rtc?.switchOff();
  }

  switchOn(): void {
    this.rtc?.switchOn();
  }

  setAmplifier(isOn: boolean): void {
    this.#advance();
    this.#isAmplifierOn = isOn;
  }

  read(): Status['board'] {
    this.#advance();
    const { isOverheated, isMainsLost, isDiskFull } = this.#faults;
    return {
      temperatureC: round(isOverheated ? OVERHEATED_C : this.#box.degreesC, 1),
      diskFreeMB: isDiskFull ? 0 : DISK_FREE_MB,
      memoryFreeMB: Math.round(MEMORY_FREE_MB + 8 * drawNormal(this.#random)),
      network: this.#network,
      signalBars: this.#network === 'lan' ? null : this.#readBars(),
      hasMains: !isMainsLost,
      isAmplifierOn: this.#isAmplifierOn,
      amplifierA: round(this.#currentA(), 3),
    };
  }

  /** Wires the amplifier behind a sink: what the sink takes is what the amplifier hears. */
  wire(sink: Sink): Sink {
    return {
      kind: sink.kind,
      start: async (render) =>
        sink.start((heardAtUs, out) => {
          render(heardAtUs, out);
          if (this.#isAmplifierOn) this.#level.add(heardAtUs, out, SAMPLE_RATE);
        }),
      close: async () => sink.close(),
    };
  }

  #currentA(): number {
    return amplifierCurrentA({
      isOn: this.#isAmplifierOn,
      meanSquare: this.#level.read(this.#clock.nowUs()),
      isDead: this.#faults.isAmplifierDead,
    });
  }

  // Lazily: the load is taken as constant since the last time that anybody looked.
  #advance(): void {
    const nowUs = this.#clock.nowUs();
    const seconds = (nowUs - this.#advancedAtUs) / 1e6;
    this.#advancedAtUs = nowUs;
    const amplifierW = this.#currentA() * SUPPLY_V;
    const loadW = COMPUTER_W + amplifierW;
    this.#battery.advance(seconds, { hasMains: !this.#faults.isMainsLost, loadW });
    this.#box.advance(seconds, {
      ambientC: this.#ambientC,
      lossW: COMPUTER_W + AMPLIFIER_LOSS * amplifierW,
    });
  }

  #readBars(): number {
    const nowUs = this.#clock.nowUs();
    if (nowUs - this.#barsAtUs >= SIGNAL_STEP_US) {
      this.#barsAtUs = nowUs;
      this.#bars = this.#random.next() < 0.2 ? this.#usualBars - 1 : this.#usualBars;
    }
    return this.#faults.isSignalWeak ? Math.min(1, this.#bars) : this.#bars;
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
