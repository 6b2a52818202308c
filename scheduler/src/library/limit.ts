/**
 * Signals that end with others or with a limit of time. AbortSignal.any over AbortSignal.timeout is not used: in Node 20
 * such a timeout is held weakly, may be collected before it fires, and then nothing ends.
 */
export interface Limit {
  readonly signal: AbortSignal;
  /** True where it was the time that ended it. */
  isLate(): boolean;
  /** Lets go of timer and listeners. */
  release(): void;
}

/** A signal that aborts when one of the others does, or after so many milliseconds. */
export function limit(signals: readonly AbortSignal[], limitMs: number | null): Limit {
  const controller = new AbortController();
  let isLate = false;
  const abort = (): void => controller.abort();
  const onLate = (): void => {
    isLate = !controller.signal.aborted;
    abort();
  };
  const timer = limitMs === null ? null : setTimeout(onLate, limitMs);
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    isLate: () => isLate,
    release: () => {
      if (timer !== null) clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}
