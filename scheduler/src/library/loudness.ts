/** Loudness by EBU R 128 in two passes of ffmpeg's loudnorm: measured first, then one gain for the whole file. */
import { z } from 'zod';

/**
 * Horn loudspeakers outdoors: 350 to 6,000 Hz, little headroom, wind and motorbikes around. EBU's -23 LUFS for quiet rooms
 * leaves the amplifier idle; -16 LUFS, as mobile platforms use, still keeps speech undistorted at -1.5 dBTP (the codec
 * adds up to 1 dB), and a range of 11 LU keeps the soft parts above the noise of the road.
 */
export const target = { integratedLufs: -16, truePeakDbtp: -1.5, rangeLu: 11 } as const;

/** BS.1770's absolute gate: what is softer does not count as sound. */
const GATE_LUFS = -70;
/** What can't be measured (shorter than one block of 400 ms) is brought to this peak. */
const SHORT_PEAK_DBTP = -6;
/** A peak below this is digital silence with dither. */
const SILENCE_DBTP = -90;

/** What the first pass measured; infinite where nothing was above the gate. */
export interface Loudness {
  readonly integratedLufs: number;
  readonly truePeakDbtp: number;
  readonly rangeLu: number;
  readonly thresholdLufs: number;
  readonly offsetLu: number;
}

const decibels = z.string().transform((text) => (text.includes('inf') ? -Infinity : Number(text)));
const reportSchema = z.object({
  input_i: decibels,
  input_tp: decibels,
  input_lra: decibels,
  input_thresh: decibels,
  target_offset: decibels,
});

/** The loudest that loudnorm takes as a goal. */
const MAX_GOAL_LUFS = -5;

function goal(correctionLu: number): string {
  const integratedLufs = Math.min(MAX_GOAL_LUFS, target.integratedLufs + correctionLu);
  return `I=${integratedLufs.toFixed(2)}:TP=${target.truePeakDbtp}:LRA=${target.rangeLu}`;
}

const toMono = 'aformat=channel_layouts=mono';

/** Measures the result: the codec takes up to 1.5 LU from what is like noise. */
export const checkingFilters = ['ebur128=framelog=verbose'];

/** Reads what ebur128 says at its end; null where there is nothing above the gate. */
export function readIntegratedLufs(line: string): number | null {
  const match = /^\s*I:\s+(-?[\d.]+) LUFS/.exec(line);
  return match ? Number(match[1]) : null;
}

/** Filters of the first pass. */
export const measuringFilters = [toMono, `loudnorm=${goal(0)}:print_format=json`];

/** Reads the report that loudnorm prints at its end; null where there is none. */
export function readReport(log: string): Loudness | null {
  const text = /\{[^{}]*"input_i"[^{}]*\}/.exec(log)?.[0];
  if (text === undefined) return null;
  const report = reportSchema.parse(JSON.parse(text));
  return {
    integratedLufs: report.input_i,
    truePeakDbtp: report.input_tp,
    rangeLu: report.input_lra,
    thresholdLufs: report.input_thresh,
    offsetLu: report.target_offset,
  };
}

/** Nothing in it can be heard. */
export function isSilent(loudness: Loudness): boolean {
  return loudness.truePeakDbtp < SILENCE_DBTP;
}

/** The loudness of the file as it came, or null where it was too short or too soft to measure. */
export function originalLufs({ integratedLufs }: Loudness): number | null {
  return integratedLufs > GATE_LUFS ? integratedLufs : null;
}

/** loudnorm's slow gain looks so far ahead; on less it is some 20 dB off. */
const SLOW_GAIN_WINDOW_MS = 3_000;

/**
 * Filters of the second pass: one gain where that keeps the peak, else loudnorm's slow gain; a sound too short for that
 * gets one gain and a limiter. `correctionLu` is what the codec took away before.
 */
export function correctingFilters(
  { loudness, decodedMs }: { loudness: Loudness; decodedMs: number },
  correctionLu: number,
): string[] {
  if (originalLufs(loudness) === null) {
    return [toMono, `volume=${(SHORT_PEAK_DBTP - loudness.truePeakDbtp).toFixed(2)}dB`];
  }
  if (decodedMs < SLOW_GAIN_WINDOW_MS) {
    const gainDb = target.integratedLufs + correctionLu - loudness.integratedLufs;
    const peak = 10 ** (target.truePeakDbtp / 20);
    return [toMono, `volume=${gainDb.toFixed(2)}dB`, `alimiter=limit=${peak.toFixed(4)}:level=disabled`];
  }
  const measured = [
    `measured_I=${loudness.integratedLufs}`,
    `measured_TP=${loudness.truePeakDbtp}`,
    `measured_LRA=${loudness.rangeLu}`,
    `measured_thresh=${loudness.thresholdLufs}`,
    `offset=${loudness.offsetLu}`,
  ];
  return [toMono, `loudnorm=${goal(correctionLu)}:${measured.join(':')}:linear=true`];
}
