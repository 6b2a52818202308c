/**
 * Media time as a line over the machine's monotonic clock, and every decision about it. CLOCK_MONOTONIC is one for all
 * processes of a machine, so whoever knows the line knows the time, and the line goes on while nobody keeps it.
 */
import { z } from 'zod';

/** Beyond it, in the year 2255, a double holds no whole microseconds. */
const microsecondsSchema = z.number().min(0).max(9e15);

export const lineSchema = z.object({
  /** The line holds until the machine starts anew: then its monotonic clock begins at 0. */
  bootId: z.string().min(1).max(64),
  /** Which time service keeps it: each that takes over counts one up. */
  epoch: z.number().int().min(1),
  monotonicUs: microsecondsSchema,
  /** Media time at that moment. */
  mediaUs: microsecondsSchema,
  /** What is to be worked off from then on, at MAX_SLEW; afterwards media time runs with the monotonic clock. */
  pullUs: z.number(),
  /** How far the time since boot was ahead of the monotonic clock: it grows by each sleep of the machine. */
  apartUs: z.number(),
});
export type Line = z.infer<typeof lineSchema>;

/** One moment on all clocks of the machine, microseconds. */
export interface ClockReading {
  readonly bootId: string;
  readonly wallUs: number;
  readonly monotonicUs: number;
  /** Null where the clocks could not be read closely enough after each other. */
  readonly apartUs: number | null;
}

/** Media time runs at most this much faster or slower than the monotonic clock. */
const MAX_SLEW = 100e-6;
/** At 100 ppm this much takes three hours: whoever runs the platform has to say whether it may go on like that. */
const ALARM_US = 1_000_000;
/** The system clock is read in whole milliseconds: a smaller difference is rounding. */
const DEADBAND_US = 1_000;
/** The time since boot is told in steps of 10 ms, and the two clocks are read one after the other. */
const SLEEP_ABOVE_US = 30_000;

/** Media time at a moment of the monotonic clock. */
export function mediaUsAt(line: Line, monotonicUs: number): number {
  const elapsedUs = Math.max(0, monotonicUs - line.monotonicUs);
  return line.mediaUs + elapsedUs + clamp(line.pullUs, elapsedUs * MAX_SLEW);
}

/**
 * The line with which a time service begins. The kept one where the machine runs still, so that nothing steps; else the
 * system's clock, but never before the last media time that was kept.
 */
export function beginLine(kept: Line | null, reading: ClockReading): Line {
  const epoch = (kept?.epoch ?? 0) + 1;
  if (kept?.bootId === reading.bootId) return { ...continueLine(kept, reading), epoch };
  const { bootId, wallUs, monotonicUs, apartUs } = reading;
  const mediaUs = Math.max(wallUs, kept?.mediaUs ?? 0);
  return continueLine({ bootId, epoch, monotonicUs, mediaUs, pullUs: 0, apartUs: apartUs ?? 0 }, reading);
}

/**
 * The same line from the reading on: media time goes on where it is, and from there it is pulled towards the system's
 * clock. It steps in one case only, and forward: by what the machine has slept, as far as the system's clock, which the
 * kernel carries over a sleep by the same amount, bears that out.
 */
export function continueLine(line: Line, reading: ClockReading): Line {
  const monotonicUs = Math.max(line.monotonicUs, reading.monotonicUs);
  const awakeUs = mediaUsAt(line, monotonicUs);
  const mediaUs = awakeUs + Math.min(sleptUs(line, reading), Math.max(0, reading.wallUs - awakeUs));
  const errorUs = reading.wallUs - mediaUs;
  return {
    ...line,
    monotonicUs,
    mediaUs,
    pullUs: Math.abs(errorUs) < DEADBAND_US ? 0 : errorUs,
    apartUs: isApart(line, reading) ? reading.apartUs : line.apartUs,
  };
}

/** Is the system's clock so far off media time that somebody has to know? */
export function isOff({ pullUs }: Line): boolean {
  return Math.abs(pullUs) > ALARM_US;
}

/** How long the machine has slept since the line's moment, microseconds. */
export function sleptUs(line: Line, reading: ClockReading): number {
  return isApart(line, reading) ? Math.max(0, reading.apartUs - line.apartUs) : 0;
}

// No sleep is taken back (a container may show another time since boot than before), but counting goes on from there.
function isApart(line: Line, reading: ClockReading): reading is ClockReading & { apartUs: number } {
  return reading.apartUs !== null && Math.abs(reading.apartUs - line.apartUs) > SLEEP_ABOVE_US;
}

function clamp(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}
