const DEADLINE_MS = 8_000;

/** Messages in the order in which they came, for tests that wait for one of them. */
export class Mailbox<T> {
  readonly all: T[] = [];
  readonly #watchers = new Set<() => void>();

  put(message: T): void {
    this.all.push(message);
    for (const look of this.#watchers) look();
  }

  /** The first message that fits, whether it has come or will. */
  async find(what: string, fits: (message: T) => boolean): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`waited in vain for ${what}`));
      }, DEADLINE_MS);
      const look = (): void => {
        const found = this.all.find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }
}
