import type { MonotonicClock, Timer } from '../clock/index.ts';

/** Who asks waits no longer than this: by then a gap is out of date. */
const ANSWER_WITHIN_MS = 1_000;
/** More at a time are not asked at all. */
const MOST_QUESTIONS = 32;

/** Questions under way to another thread. None waits for ever. */
export class Questions<Question, Answer> {
  readonly #clock: MonotonicClock;
  readonly #waiting = new Map<number, { timer: Timer; settle: (answer: Answer | null) => void }>();
  #lastId = 0;

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  /** Asks by `send`; null where no answer comes in time. */
  ask(question: Question, send: (id: number, question: Question) => void): Promise<Answer | null> {
    if (this.#waiting.size >= MOST_QUESTIONS) return Promise.resolve(null);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((settle) => {
      const timer = this.#clock.after(ANSWER_WITHIN_MS, () => this.answered(id, null));
      this.#waiting.set(id, { timer, settle });
      send(id, question);
    });
  }

  answered(id: number, answer: Answer | null): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.timer.cancel();
    waiting?.settle(answer);
  }

  /** Nobody is left to answer. */
  giveUp(): void {
    for (const id of this.#waiting.keys()) this.answered(id, null);
  }
}
