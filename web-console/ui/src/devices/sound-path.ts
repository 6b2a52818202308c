// What an acoustic offset is in metres: sound in the air at 20 °C covers 343 m in a second.

const METRES_PER_SECOND = 343;
/** As shared's MAX_ACOUSTIC_OFFSET_MS, whose module would bring zod into the page. */
export const MOST_OFFSET_MS = 2000;

/** Whole metres that sound covers in so many milliseconds. */
export function metresOf(offsetMs: number): number {
  return Math.round((offsetMs * METRES_PER_SECOND) / 1000);
}

/** The offset that was typed; null where it is none. */
export function readOffsetMs(typed: string): number | null {
  const text = typed.trim();
  if (!/^\d{1,4}$/.test(text)) return null;
  const offsetMs = Number(text);
  return offsetMs <= MOST_OFFSET_MS ? offsetMs : null;
}
