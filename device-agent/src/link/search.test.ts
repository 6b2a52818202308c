import { expect, test } from 'vitest';
import { Search } from './search.ts';

const MINUTE_US = 60 * 1e6;

test('a search is in vain once in ten minutes, and begins anew when the broker was found', () => {
  const search = new Search();
  const minutes = Array.from({ length: 26 }, (_, minute) => minute);
  expect(minutes.filter((minute) => search.isInVain(minute * MINUTE_US))).toEqual([10, 20]);
  search.found();
  const later = minutes.map((minute) => minute + 26);
  expect(later.filter((minute) => search.isInVain(minute * MINUTE_US))).toEqual([36, 46]);
});
