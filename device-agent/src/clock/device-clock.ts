import { mediaTime, type ClockState, type MediaTime } from '@loalang/shared';
import { ClockFilter, type ClockSample } from './clock-filter.ts';
import { mediaTimeOn, mediaUsOn, type MediaLine, type Timeline } from './timeline.ts';

/** Within this all receivers sound as one. */
export const IN_STEP_US = 50_000;
/** Within this the plan may be played, reported as out of step. */
export const HOUR_KNOWN_US = 2_000_000;
/**
 * The steering follows by 300 ppm at most, and the drifts of two crystals are in that too: what slews faster would leave
 * the sound behind until its line is torn.
 */
const MAX_SLEW_PPM = 150;
/**
 * An error is taken out over about this long. The filter is quiet enough (0.1 ms) that nothing of it is heard, and what is
 * learnt after a cold start is worth having before the next burst.
 */
const SLEW_SECONDS = 20;
/** A battery-backed clock of a cheap board: for a day and a quarter it tells the hour. */
const RTC_DRIFT_PPM = 20;

export interface ClockReading {
  readonly state: ClockState;
  readonly uncertaintyUs: number | null;
  /** Age of the last good exchange. */
  readonly ageMs: number | null;
}

/** What was known of the time when the power went. */
export interface KeptTime {
  /** Media time never goes back past this. */
  readonly floor: MediaTime;
  /** The battery-backed clock at the floor and its uncertainty, milliseconds since 1970. */
  readonly wallMs: number;
  readonly uncertaintyUs: number;
  readonly driftPpm: number | null;
}

/**
 * The receiver's media time. While something sounds it follows the filter by slewing, never by a step. In silence it is
 * set: nobody hears that, while a slew that is still under way when a broadcast begins would warp it.
 */
export class DeviceClock implements Timeline {
  readonly #filter: ClockFilter;
  readonly #isSounding: () => boolean;
  #mapping: MediaLine | null = null;
  #rtc: { atUs: number; uncertaintyUs: number } | null = null;
  #floor: MediaTime;

  constructor(options: { kept: KeptTime | null; isSounding: () => boolean }) {
    this.#filter = new ClockFilter(options.kept?.driftPpm ?? null);
    this.#isSounding = options.isSounding;
    this.#floor = options.kept?.floor ?? mediaTime(0);
  }

  /** Starts from the battery-backed clock, where it can be believed after the time that was kept. */
  startFromRtc(kept: KeptTime, wallMs: number, nowUs: number): void {
    const elapsedUs = (wallMs - kept.wallMs) * 1000;
    if (this.#mapping !== null || elapsedUs < 0) return;
    // The floor was kept at the low end of what was known then.
    const mediaUs = kept.floor + kept.uncertaintyUs + elapsedUs;
    this.#rtc = { atUs: nowUs, uncertaintyUs: kept.uncertaintyUs + (elapsedUs * RTC_DRIFT_PPM) / 1e6 };
    this.#set(nowUs, mediaUs, kept.driftPpm ?? 0);
  }

  /** Would these stamps take media time back past the last one kept on disk? */
  isBeforeFloor(mediaUs: number): boolean {
    return mediaUs < this.#floor;
  }

  /** Takes a burst (or one signed time) and follows it. False where nothing of it could be believed. */
  addBurst(samples: readonly ClockSample[], nowUs: number): boolean {
    const isTaken = this.#filter.addBurst(samples.filter(({ t2 }) => !this.isBeforeFloor(t2)));
    if (isTaken) this.#follow(nowUs);
    return isTaken;
  }

  toMediaTime(monotonicUs: number): MediaTime | null {
    return mediaTimeOn(this.line(monotonicUs), monotonicUs);
  }

  /** What `toMediaTime` follows, to be handed on; a new one at each change, null while the hour isn't known. */
  line(nowUs: number): MediaLine | null {
    return this.#stateAt(nowUs) === 'none' ? null : this.#mapping;
  }

  reading(nowUs: number): ClockReading {
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    const estimate = this.#filter.estimate(nowUs);
    return {
      state: this.#stateAt(nowUs),
      uncertaintyUs: uncertaintyUs === null ? null : Math.ceil(uncertaintyUs),
      ageMs: estimate === null ? null : Math.round(estimate.ageUs / 1000),
    };
  }

  /**
   * What to keep on disk; null while nobody has told the time since the start: a battery-backed clock that has gone
   * wrong may not lift the floor, or the right time would be refused for ever. The floor moves up with it, but only to
   * where the last exchange was: a platform whose clock was ahead and was set right is believed again once it gets there.
   */
  keep(nowUs: number, wallMs: number): KeptTime | null {
    const media = this.toMediaTime(nowUs);
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    const estimate = this.#filter.estimate(nowUs);
    if (this.#rtc !== null || media === null || uncertaintyUs === null || estimate === null) return null;
    const floor = mediaTime(Math.max(this.#floor, Math.floor(media - estimate.ageUs - uncertaintyUs)));
    this.#floor = floor;
    const wallAtFloorMs = wallMs - (media - floor - uncertaintyUs) / 1000;
    const { driftPpm } = estimate;
    return { floor, wallMs: wallAtFloorMs, uncertaintyUs: Math.ceil(uncertaintyUs), driftPpm };
  }

  #stateAt(nowUs: number): ClockState {
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    if (uncertaintyUs === null || uncertaintyUs > HOUR_KNOWN_US) return 'none';
    return uncertaintyUs <= IN_STEP_US && this.#rtc === null ? 'in-step' : 'hour-known';
  }

  // What is still to be slewed is error too, and is said.
  #uncertaintyAt(nowUs: number): number | null {
    const mediaUs = this.#rawMediaUs(nowUs);
    if (mediaUs === null) return null;
    const estimate = this.#filter.estimate(nowUs);
    if (estimate === null) {
      if (this.#rtc === null) return null;
      return this.#rtc.uncertaintyUs + ((nowUs - this.#rtc.atUs) * RTC_DRIFT_PPM) / 1e6;
    }
    return estimate.uncertaintyUs + Math.abs(estimate.offsetUs + nowUs - mediaUs);
  }

  #follow(nowUs: number): void {
    const estimate = this.#filter.estimate(nowUs);
    if (estimate === null) return;
    const wantedUs = nowUs + estimate.offsetUs;
    const mediaUs = this.#rawMediaUs(nowUs);
    if (mediaUs === null || !this.#isSounding()) this.#set(nowUs, wantedUs, estimate.driftPpm);
    else this.#slew(nowUs, mediaUs, wantedUs - mediaUs, estimate.driftPpm);
    this.#rtc = null;
  }

  #set(nowUs: number, mediaUs: number, driftPpm: number): void {
    this.#mapping = { fromUs: nowUs, mediaUs, driftPpm, slewPpm: 0, slewUntilUs: nowUs };
  }

  #slew(nowUs: number, mediaUs: number, errorUs: number, driftPpm: number): void {
    const wantedPpm = errorUs / SLEW_SECONDS;
    const slewPpm = Math.max(-MAX_SLEW_PPM, Math.min(MAX_SLEW_PPM, wantedPpm));
    const lastsUs = slewPpm === 0 ? 0 : (errorUs / slewPpm) * 1e6;
    this.#mapping = { fromUs: nowUs, mediaUs, driftPpm, slewPpm, slewUntilUs: nowUs + lastsUs };
  }

  #rawMediaUs(nowUs: number): number | null {
    return this.#mapping === null ? null : mediaUsOn(this.#mapping, nowUs);
  }
}
