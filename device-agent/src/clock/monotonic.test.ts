import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from './monotonic.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('waits for weeks where it is asked to wait for longer than a timer of Node can', () => {
  const rung = vi.fn();
  const timer = systemClock.after(2 ** 31, rung);
  vi.advanceTimersByTime(24 * 86_400_000);
  expect(rung).not.toHaveBeenCalled();
  timer.cancel();
});
