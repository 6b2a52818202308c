// The battery-backed clock of a board: it counts on while the power is off, at its own pace.
import type { MonotonicClock } from './monotonic.ts';

/** The hardware, as an operating system shows it. */
export interface Rtc {
  /** It counts in steps of this: whole seconds on real ones. */
  readonly stepMs: number;
  /** Milliseconds since 1970; null where it can't be read. */
  readMs(): number | null;
  /** Rejects where that isn't allowed. */
  setMs(unixMs: number): Promise<void>;
}

/** What it counted at a moment of the monotonic clock. */
export interface RtcReading {
  readonly atUs: number;
  readonly rtcMs: number;
  readonly uncertaintyUs: number;
}

/** A step is looked for so often; a clock that counts finer needs no looking. */
const LOOK_EVERY_MS = 10;
/** A step between two looks further apart than this is not read but guessed: the next one is waited for. */
const WELL_READ_US = 50_000;
/** A clock that has not counted for so many of its steps stands still. */
const STEPS_TO_STAND_STILL = 2;

/**
 * Reads the clock at the moment of its step, since in between it hides up to a second. Null where it can't be read or
 * stands still, or once `signal` says that nobody wants to know any more. While the process is held up it waits on.
 */
export async function readRtc(
  rtc: Rtc,
  clock: MonotonicClock,
  signal: AbortSignal,
): Promise<RtcReading | null> {
  let lastUs = clock.nowUs();
  let lastMs = rtc.readMs();
  if (lastMs === null) return null;
  if (rtc.stepMs <= LOOK_EVERY_MS) return { atUs: lastUs, rtcMs: lastMs, uncertaintyUs: rtc.stepMs * 1000 };
  let steppedUs = lastUs;
  while (lastUs - steppedUs < STEPS_TO_STAND_STILL * rtc.stepMs * 1000 && !signal.aborted) {
    await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
    const rtcMs = rtc.readMs();
    const nowUs = clock.nowUs();
    if (rtcMs === null) return null;
    const gapUs = nowUs - lastUs;
    if (rtcMs !== lastMs) {
      // It stepped somewhere between the two looks.
      if (gapUs <= WELL_READ_US) return { atUs: (lastUs + nowUs) / 2, rtcMs, uncertaintyUs: gapUs };
      steppedUs = nowUs;
    }
    lastUs = nowUs;
    lastMs = rtcMs;
  }
  return null;
}
