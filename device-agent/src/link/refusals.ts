import type { RefusalReason, Status } from '@loalang/shared';

/** What was refused since the start, by reason. The status carries it. */
export class Refusals {
  readonly #counts = new Map<RefusalReason, number>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  count(reason: RefusalReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#onChange();
  }

  toJSON(): Status['refused'] {
    return Object.fromEntries(this.#counts);
  }
}
