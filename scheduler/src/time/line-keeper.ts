import type { Logger } from 'pino';
import { beginLine, continueLine, isOff, sleptUs, type ClockReading, type Line } from './line.ts';
import { lineFileOf, readLine, writeLine } from './line-file.ts';
import type { Clock, Timer } from './media-clock.ts';

/** How soon a sleep of the machine is noticed. */
const LOOK_EVERY_MS = 250;
const KEEP_EVERY_US = 10_000_000;

export interface LineKeeperParts {
  readonly dataFolder: string;
  readonly log: Logger;
  readonly read: () => ClockReading;
  readonly after: Clock['after'];
  /** Another keeper, which began later, writes the same file. */
  readonly onTaken: () => void;
}

/**
 * Keeps the line of media time: moves it on every 10 s and after a sleep of the machine. What it has written is what
 * it goes by: where that fails, everybody stays on the old line together. Owns one timer.
 */
export class LineKeeper {
  readonly #parts: LineKeeperParts;
  readonly #path: string;
  #line: Line | null = null;
  #timer: Timer | null = null;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isOff = false;
  #isFailing = false;

  constructor(parts: LineKeeperParts) {
    this.#parts = parts;
    this.#path = lineFileOf(parts.dataFolder);
  }

  readonly line = (): Line => {
    if (this.#line === null) throw new TypeError('the keeper has not been started');
    return this.#line;
  };

  /** Begins the line, or takes the kept one over. */
  async start(): Promise<void> {
    const begun = beginLine(readLine(this.#path), this.#parts.read());
    await writeLine(this.#path, begun);
    this.#line = begun;
    this.#tellOffset(begun);
    this.#lookLater();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#working;
  }

  /** Moves the line on where it is time to. */
  async look(): Promise<void> {
    const line = this.line();
    const reading = this.#parts.read();
    const slept = sleptUs(line, reading);
    if (slept === 0 && reading.monotonicUs - line.monotonicUs < KEEP_EVERY_US) return;
    if (slept > 0) this.#parts.log.warn({ sleptMs: Math.round(slept / 1000) }, 'the machine has slept');
    await this.#keep(continueLine(line, reading));
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#timer = this.#parts.after(LOOK_EVERY_MS, () => {
      this.#working = this.look()
        .then(
          () => this.#tellFailure(null),
          (error: unknown) => this.#tellFailure(error),
        )
        .then(() => this.#lookLater());
    });
  }

  async #keep(next: Line): Promise<void> {
    if ((readLine(this.#path)?.epoch ?? 0) > next.epoch) return this.#parts.onTaken();
    await writeLine(this.#path, next);
    this.#line = next;
    this.#tellOffset(next);
  }

  #tellOffset(line: Line): void {
    if (isOff(line) === this.#isOff) return;
    this.#isOff = isOff(line);
    const offsetMs = Math.round(line.pullUs / 1000);
    if (this.#isOff) {
      const advice = "see 'The time' in docs/operations.md";
      this.#parts.log.error(
        { offsetMs },
        `the system clock is off media time, which follows slowly; ${advice}`,
      );
    } else this.#parts.log.info({ offsetMs }, 'media time and the system clock agree again');
  }

  #tellFailure(error: unknown): void {
    const isFailing = error !== null;
    if (isFailing && !this.#isFailing) this.#parts.log.error({ err: error }, 'could not keep media time');
    this.#isFailing = isFailing;
  }
}
