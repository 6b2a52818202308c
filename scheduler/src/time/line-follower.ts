import { beginLine, type ClockReading, type Line } from './line.ts';
import { lineFileOf, readLine } from './line-file.ts';
import { readClocks, readMonotonicUs } from './machine-clocks.ts';

/** Two lines differ by 200 ppm at most: whoever looks this late is off by 50 µs. */
const LOOK_EVERY_US = 250_000;
/** The time service moves the line on every 10 s. */
const ABANDONED_AFTER_US = 60_000_000;

/**
 * The line that the time service keeps, for the other processes of the machine. It is read again when somebody asks, at
 * most four times a second. While there is none of this run of the machine, a line is begun as the time service would.
 */
export class LineFollower {
  readonly #path: string;
  readonly #monotonicUs: () => number;
  #line: Line;
  #lookedUs: number;

  constructor(
    dataFolder: string,
    clocks: { read: () => ClockReading; monotonicUs: () => number } = {
      read: readClocks,
      monotonicUs: readMonotonicUs,
    },
  ) {
    this.#path = lineFileOf(dataFolder);
    this.#monotonicUs = clocks.monotonicUs;
    const reading = clocks.read();
    const kept = readLine(this.#path);
    this.#line = kept?.bootId === reading.bootId ? kept : beginLine(kept, reading);
    this.#lookedUs = reading.monotonicUs;
  }

  line(): Line {
    const nowUs = this.#monotonicUs();
    if (nowUs - this.#lookedUs < LOOK_EVERY_US) return this.#line;
    this.#lookedUs = nowUs;
    const kept = this.#readAgain();
    if (kept?.bootId === this.#line.bootId) this.#line = kept;
    return this.#line;
  }

  #readAgain(): Line | null {
    try {
      return readLine(this.#path);
    } catch {
      // Out of file handles, a disk that fails: time goes on by the line it has, and isKept tells in a minute.
      return null;
    }
  }

  /** Does a time service keep the line? */
  isKept(): boolean {
    return this.#monotonicUs() - this.line().monotonicUs < ABANDONED_AFTER_US;
  }
}
