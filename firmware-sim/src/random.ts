/** A stream of numbers in [0, 1) that a seed decides: the same seed tells the same story. */
export interface Random {
  next(): number;
}

/** Mulberry32 seeded by FNV-1a of a text: 32 bits of state are plenty for weather and radio, never for keys. */
export function seededRandom(seed: string): Random {
  let state = fnv1a(seed);
  return {
    next: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** One draw from the normal distribution with mean 0 and deviation 1 (Box and Muller). */
export function drawNormal(random: Random): number {
  // 1 - u keeps the logarithm away from 0.
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** One draw from the exponential distribution with mean 1. */
export function drawExponential(random: Random): number {
  return -Math.log(1 - random.next());
}

/** One draw, evenly between two bounds. */
export function drawBetween(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
