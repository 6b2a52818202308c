import type { MonotonicClock } from './monotonic.ts';

/** Waits for some work, but no longer than so long: what hangs is left behind. */
export async function within(clock: MonotonicClock, work: Promise<unknown>, ms: number): Promise<void> {
  let giveUp = (): void => {};
  const late = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const timer = clock.after(ms, giveUp);
  try {
    await Promise.race([work, late]);
  } finally {
    timer.cancel();
  }
}
