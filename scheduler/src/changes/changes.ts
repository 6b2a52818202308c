export type Unsubscribe = () => void;

/** Tells who watches (the console) that something which `today` shows has changed. Carries no data: who hears it looks. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
