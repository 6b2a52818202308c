import { mediaTime } from '@loalang/shared';
import { expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

test('a manual clock rings timers in order and at their own time', () => {
  const clock = new ManualClock(mediaTime(0));
  const rung: string[] = [];
  clock.after(20, () => rung.push(`b at ${clock.now()}`));
  clock.after(10, () => rung.push(`a at ${clock.now()}`));
  clock.after(15, () => rung.push('never')).cancel();
  clock.advance(30);
  expect(rung).toEqual(['a at 10000', 'b at 20000']);
});
