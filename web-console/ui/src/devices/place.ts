// The number of a receiver within its unit, as it is painted on the pole.
const MOST = 9_999;

/** The smallest number that none of these has. */
export function freeNumber(devices: readonly { readonly number: number }[]): number {
  const taken = new Set(devices.map(({ number }) => number));
  let free = 1;
  while (taken.has(free)) free += 1;
  return free;
}

/** A number as typed; null where it is none. */
export function readNumber(typed: string): number | null {
  const number = /^\d{1,4}$/.test(typed.trim()) ? Number(typed) : 0;
  return number >= 1 && number <= MOST ? number : null;
}
