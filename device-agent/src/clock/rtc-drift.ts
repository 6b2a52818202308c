// How fast a battery-backed clock runs, learnt by comparing it with media time over days. Pure.
//
// Its crystal (a tuning fork of 32 kHz) is some 20 ppm off as it leaves the factory, and slower by 0.035 ppm times the square
// of how many degrees it is warmer or colder than 25 °C: 14 ppm less at 5 and at 45 °C. So an hour says little about a night,
// a day says much about the next, and after some days what is left is the weather.
import type { MediaTime } from '@loalang/shared';

/** A clock beside media time at one moment. */
export interface RtcPair {
  readonly media: MediaTime;
  readonly rtcMs: number;
}

/** What is known of a battery-backed clock; kept on disk. */
export interface RtcDrift {
  /** How much faster than media time it runs, on average. */
  readonly driftPpm: number;
  /** Over how long that was learnt; 0: not yet. */
  readonly learntS: number;
  /** Where the stretch that is being learnt from began; null after the clock was set. */
  readonly since: RtcPair | null;
}

export const UNKNOWN_RTC: RtcDrift = { driftPpm: 0, learntS: 0, since: null };

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** Each reading may be wrong by 10 ms: over six hours half a ppm. */
const STRETCH_S = 6 * HOUR_S;
/** What is older weighs no more: the season changes, and crystals age. */
const MOST_LEARNT_S = 14 * DAY_S;
/** No crystal is so wrong: the clock was set by somebody, or stood still. */
const MOST_DRIFT_PPM = 200;
/** What a crystal may be off before anything is known of it, at any temperature of a village. */
const UNLEARNT_PPM = 40;
/** The weather, and what one day's warmth may differ from the mean of those before. */
const WEATHER_PPM = 3;
const ONE_DAY_PPM = 5;

/** Takes one more look at both clocks. */
export function learnRtc(known: RtcDrift, now: RtcPair): RtcDrift {
  if (known.since === null) return { ...known, since: now };
  const seconds = (now.media - known.since.media) / 1e6;
  if (seconds < STRETCH_S) return known;
  const ppm = ((now.rtcMs - known.since.rtcMs) * 1000 - seconds * 1e6) / seconds;
  if (Math.abs(ppm) > MOST_DRIFT_PPM) return { ...known, since: now };
  // Stretches follow each other without a gap, so that the errors of readings in the middle cancel.
  const driftPpm = (known.driftPpm * known.learntS + ppm * seconds) / (known.learntS + seconds);
  return { driftPpm, learntS: Math.min(MOST_LEARNT_S, known.learntS + seconds), since: now };
}

/** How far the mean drift of the next hours may be from the learnt one. */
export function rtcUncertaintyPpm({ learntS }: RtcDrift): number {
  return Math.min(UNLEARNT_PPM, WEATHER_PPM + (ONE_DAY_PPM * DAY_S) / learntS);
}
