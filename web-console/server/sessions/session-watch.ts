import type { Logger } from 'pino';
import type { Clock, Timer } from '@loalang/scheduler';

/** A session that ends elsewhere (it expires, another server signs it out) is noticed within this time. */
const CHECK_EVERY_MS = 5_000;

interface Sessions {
  /** Null where the session has ended. */
  session(token: string): Promise<unknown>;
}

/**
 * Tells whoever acts for a session over a longer time (a socket, an upload) that it has ended: at once where the person
 * signs out here, else at the next look into the database.
 */
export class SessionWatch {
  readonly #people: Sessions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #watched = new Map<string, Set<() => void>>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(parts: { people: Sessions; clock: Clock; log: Logger }) {
    this.#people = parts.people;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Calls back once when the session ends, unless the returned function was called before. */
  watch(sessionToken: string, onEnd: () => void): () => void {
    const listeners = this.#watched.get(sessionToken) ?? new Set();
    this.#watched.set(sessionToken, listeners.add(onEnd));
    this.#schedule();
    return () => {
      listeners.delete(onEnd);
      if (listeners.size === 0 && this.#watched.get(sessionToken) === listeners) {
        this.#watched.delete(sessionToken);
      }
    };
  }

  /** The session was ended here. */
  end(sessionToken: string): void {
    const listeners = this.#watched.get(sessionToken);
    this.#watched.delete(sessionToken);
    for (const onEnd of listeners ?? []) onEnd();
  }

  /** Stops looking; nobody is called any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watched.clear();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = this.#clock.after(CHECK_EVERY_MS, () => void this.#check());
  }

  async #check(): Promise<void> {
    try {
      for (const token of this.#watched.keys()) {
        // One after the other: this is no reason to take every connection of the database at once.
        if ((await this.#people.session(token)) === null) this.end(token);
      }
    } catch (error) {
      // A database that does not answer ends no session; the next look may tell.
      this.#log.error({ err: error }, 'sessions could not be checked');
    }
    this.#timer = null;
    if (this.#watched.size > 0) this.#schedule();
  }
}
