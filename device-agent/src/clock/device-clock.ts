import { mediaTime, type ClockState, type MediaTime } from '@loalang/shared';
import { ClockFilter, CONTRADICTIONS_TO_BELIEVE, type ClockSample } from './clock-filter.ts';
import { rtcUncertaintyPpm, UNKNOWN_RTC, type RtcDrift } from './rtc-drift.ts';
import type { RtcReading } from './rtc.ts';
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
/**
 * A receiver whose own estimate was further off begins anew where it should be, with a fade: 20 ms would take over two
 * minutes to slew, and two horns further apart than that no longer pass for one voice.
 */
const JUMP_ABOVE_US = 20_000;
/**
 * Where the platform's clock was moved, all receivers are off alike, and slewing keeps them together; jumping, each at its
 * next burst, they would be an echo for half a minute. Half a second takes an hour; who is off further is nowhere.
 */
const MOVED_JUMP_ABOVE_US = 500_000;
/**
 * Each of the first bursts takes away much of what is wrong. Whoever slewed after them would be the odd one out in its
 * village for a minute after each start; what the steering works off without a seam is left to it, since it is faster.
 */
const YOUNG_BURSTS = 6;
/** Bursts are followed from here on, however good the signed time was. */
const BURSTS_TO_FOLLOW = 3;
const SEAMLESS_US = 5_000;
/** A battery-backed clock that is further ahead of what was kept has counted nonsense: no receiver is off for so long. */
const LONGEST_OFF_US = 366 * 86_400e6;
/** Many boards count a sleep with a battery-backed clock in whole seconds, on another crystal. */
const SLEEP_ERROR_US = 1_000_000;
const SLEEP_ERROR_PPM = 100;

export interface ClockReading {
  readonly state: ClockState;
  /** By how much media time lies ahead of what the exchanges say, and is still to be slewed; null before the first one. */
  readonly offsetUs: number | null;
  readonly uncertaintyUs: number | null;
  /** Age of the last good exchange. */
  readonly ageMs: number | null;
}

/** What was known of the time when the power went. */
export interface KeptTime {
  /** Media time never goes back past this. */
  readonly floor: MediaTime;
  /** The battery-backed clock at the floor, milliseconds since 1970; 0: there was none to be believed. */
  readonly wallMs: number;
  readonly uncertaintyUs: number;
  readonly driftPpm: number | null;
  /** How the battery-backed clock runs. */
  readonly rtc?: RtcDrift;
}

/** Media time that was brought over a stretch by something other than the exchange, and how fast it goes stale. */
interface Carried {
  readonly by: 'rtc' | 'sleep';
  readonly atUs: number;
  readonly uncertaintyUs: number;
  readonly growsPpm: number;
}

/**
 * The receiver's media time. While something sounds it follows the filter by slewing, never by a step. In silence it is
 * set: nobody hears that, while a slew that is still under way when a broadcast begins would warp it.
 */
export class DeviceClock implements Timeline {
  /** What is followed: of the signed time alone until bursts know better, then of bursts alone. */
  #filter: ClockFilter;
  /** Of bursts that are not followed yet, since the signed time is still the better; null once they are. */
  #young: ClockFilter | null;
  /** The crystal's drift, known before the filters began. */
  #learntPpm: number | null;
  readonly #isSounding: () => boolean;
  #mapping: MediaLine | null = null;
  #carried: Carried | null = null;
  /** Believed since the filters began. */
  #bursts = 0;
  /** Signed times in a row that contradict the bursts. */
  #contradictions = 0;
  /** The platform's clock was moved, and what sounds is being slewed after it. */
  #isFollowingMove = false;
  #isRtcWrong = false;
  /** What was asked before the last sleep counts no more: its reply may have waited through it. */
  #awakeSinceUs = -Infinity;
  #floor: MediaTime;

  constructor(options: { kept: KeptTime | null; isSounding: () => boolean }) {
    this.#learntPpm = options.kept?.driftPpm ?? null;
    this.#filter = new ClockFilter(this.#learntPpm);
    this.#young = new ClockFilter(this.#learntPpm);
    this.#isSounding = options.isSounding;
    this.#floor = options.kept?.floor ?? mediaTime(0);
  }

  /** Starts from the battery-backed clock, where it can be believed after the time that was kept. */
  startFromRtc(kept: KeptTime, reading: RtcReading): void {
    if (this.#mapping !== null || kept.wallMs === 0) return;
    const countedUs = (reading.rtcMs - kept.wallMs) * 1000;
    // A dead battery begins at its epoch, long before what was kept.
    if (countedUs < -reading.uncertaintyUs || countedUs > LONGEST_OFF_US) {
      this.#isRtcWrong = true;
      return;
    }
    const rtc = kept.rtc ?? UNKNOWN_RTC;
    const growsPpm = rtcUncertaintyPpm(rtc);
    const elapsedUs = Math.max(0, countedUs / (1 + rtc.driftPpm / 1e6));
    const uncertaintyUs = kept.uncertaintyUs + reading.uncertaintyUs + (elapsedUs * growsPpm) / 1e6;
    this.#carried = { by: 'rtc', atUs: reading.atUs, uncertaintyUs, growsPpm };
    // The floor was kept at the low end of what was known then.
    this.#set(reading.atUs, kept.floor + kept.uncertaintyUs + elapsedUs, kept.driftPpm ?? 0);
  }

  /** The battery-backed clock was not where it should have been: its battery is dead, or somebody has set it. */
  get isRtcWrong(): boolean {
    return this.#isRtcWrong;
  }

  /** The board has slept for so long: its monotonic clock stood still, media time did not. */
  slept(sleptUs: number, nowUs: number): void {
    this.#awakeSinceUs = nowUs;
    const mediaUs = this.#rawMediaUs(nowUs);
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    if (mediaUs === null || uncertaintyUs === null) return;
    const driftPpm = this.#filter.estimate(nowUs)?.driftPpm ?? this.#mapping?.driftPpm ?? 0;
    // Where a sleep of unknown length lies between them, old exchanges and new ones are on no common line.
    this.#beginLines();
    this.#carried = {
      by: 'sleep',
      atUs: nowUs,
      uncertaintyUs: uncertaintyUs + SLEEP_ERROR_US + (sleptUs * SLEEP_ERROR_PPM) / 1e6,
      growsPpm: SLEEP_ERROR_PPM,
    };
    this.#set(nowUs, mediaUs + sleptUs, driftPpm);
  }

  /** Would these stamps take media time back past the last one kept on disk? */
  isBeforeFloor(mediaUs: number): boolean {
    return mediaUs < this.#floor;
  }

  /** Takes a burst and follows it. False where nothing of it could be believed. */
  addBurst(samples: readonly ClockSample[], nowUs: number): boolean {
    // The signed time came another way than the bursts do: on one line with them it would bend that for half an hour.
    const filter = this.#young ?? this.#filter;
    const { moves } = filter;
    if (!filter.addBurst(samples.filter((each) => this.#isOfNow(each)))) return false;
    this.#bursts += 1;
    const isFirst = this.#young !== null;
    if (isFirst && !this.#knowsBetter(filter, nowUs)) return true;
    this.#filter = filter;
    this.#young = null;
    this.#contradictions = 0;
    this.#follow(nowUs, { isFirst, wasMoved: filter.moves > moves });
    return true;
  }

  /**
   * Takes the signed time, a single answer. Once there is a line of bursts it teaches that nothing; but where the line has
   * gone stale, or one answer after the other contradicts it (who is refused at the broker gets no burst), it is the
   * beginning of a new one.
   */
  addSignedTime(sample: ClockSample, nowUs: number): boolean {
    if (!this.#isOfNow(sample)) return false;
    const hasLine = this.#young === null;
    if (hasLine && this.#stateAt(nowUs) !== 'none') {
      if (this.#filter.agreesWith(sample)) {
        this.#contradictions = 0;
        return true;
      }
      this.#contradictions += 1;
      if (this.#contradictions < CONTRADICTIONS_TO_BELIEVE) return false;
    }
    if (hasLine) this.#beginLines();
    const { moves } = this.#filter;
    if (!this.#filter.addBurst([sample])) return false;
    this.#follow(nowUs, { isFirst: false, wasMoved: hasLine || this.#filter.moves > moves });
    return true;
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
      offsetUs: estimate === null ? null : Math.round(this.#aheadUs(nowUs, estimate.offsetUs)),
      uncertaintyUs: uncertaintyUs === null ? null : Math.ceil(uncertaintyUs),
      ageMs: estimate === null ? null : Math.round(estimate.ageUs / 1000),
    };
  }

  /**
   * What to keep on disk; null while nobody has told the time since the start: a battery-backed clock that has gone
   * wrong may not lift the floor, or the right time would be refused for ever. The floor moves up with it, but only to
   * where the last exchange was: a platform whose clock was ahead and was set right is believed again once it gets there.
   */
  keep(nowUs: number, wallMs: number | null, rtc?: RtcDrift): KeptTime | null {
    const told = this.told(nowUs);
    const estimate = this.#filter.estimate(nowUs);
    if (told === null || estimate === null) return null;
    const { media, uncertaintyUs } = told;
    const floor = mediaTime(Math.max(this.#floor, Math.floor(media - estimate.ageUs - uncertaintyUs)));
    this.#floor = floor;
    const wallAtFloorMs = wallMs === null ? 0 : wallMs - (media - floor - uncertaintyUs) / 1000;
    return {
      floor,
      wallMs: wallAtFloorMs,
      uncertaintyUs: Math.ceil(uncertaintyUs),
      driftPpm: this.#filter.learntPpm ?? this.#learntPpm,
      ...(rtc === undefined ? {} : { rtc }),
    };
  }

  /** Media time as the exchanges tell it; null where it is only carried on by something else, or not known. */
  told(nowUs: number): { media: MediaTime; uncertaintyUs: number } | null {
    const media = this.toMediaTime(nowUs);
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    return this.#carried !== null || media === null || uncertaintyUs === null
      ? null
      : { media, uncertaintyUs };
  }

  #beginLines(): void {
    this.#learntPpm = this.#filter.learntPpm ?? this.#learntPpm;
    this.#filter = new ClockFilter(this.#learntPpm);
    this.#young = new ClockFilter(this.#learntPpm);
    this.#bursts = 0;
    this.#contradictions = 0;
  }

  // A first burst that the radio held up, or somebody, says less than the signed time did; on a path that is always slower
  // bursts are better all the same, since they go on.
  #knowsBetter(young: ClockFilter, nowUs: number): boolean {
    if (this.#bursts >= BURSTS_TO_FOLLOW) return true;
    const [known, offered] = [this.#filter.estimate(nowUs), young.estimate(nowUs)];
    return known === null || (offered !== null && offered.uncertaintyUs <= known.uncertaintyUs);
  }

  #isOfNow({ t1, t2 }: ClockSample): boolean {
    return t1 >= this.#awakeSinceUs && !this.isBeforeFloor(t2);
  }

  #stateAt(nowUs: number): ClockState {
    const uncertaintyUs = this.#uncertaintyAt(nowUs);
    if (uncertaintyUs === null || uncertaintyUs > HOUR_KNOWN_US) return 'none';
    return uncertaintyUs <= IN_STEP_US && this.#carried === null ? 'in-step' : 'hour-known';
  }

  // What is still to be slewed is error too, and is said.
  #uncertaintyAt(nowUs: number): number | null {
    const mediaUs = this.#rawMediaUs(nowUs);
    if (mediaUs === null) return null;
    if (this.#carried !== null) {
      const { atUs, uncertaintyUs, growsPpm } = this.#carried;
      return uncertaintyUs + (Math.abs(nowUs - atUs) * growsPpm) / 1e6;
    }
    const estimate = this.#filter.estimate(nowUs);
    if (estimate === null) return null;
    return estimate.uncertaintyUs + Math.abs(this.#aheadUs(nowUs, estimate.offsetUs));
  }

  /** Of an offset of media time against monotonic time. */
  #aheadUs(nowUs: number, offsetUs: number): number {
    return (this.#rawMediaUs(nowUs) ?? nowUs + offsetUs) - nowUs - offsetUs;
  }

  #follow(nowUs: number, { isFirst, wasMoved }: { isFirst: boolean; wasMoved: boolean }): void {
    const estimate = this.#filter.estimate(nowUs);
    if (estimate === null) return;
    const wantedUs = nowUs + estimate.offsetUs;
    const mediaUs = this.#rawMediaUs(nowUs);
    const errorUs = mediaUs === null ? 0 : wantedUs - mediaUs;
    this.#judgeRtc(errorUs, estimate.uncertaintyUs, nowUs);
    this.#isFollowingMove = (this.#isFollowingMove || wasMoved) && Math.abs(errorUs) > JUMP_ABOVE_US;
    if (mediaUs === null || !this.#isSounding() || this.#mustJump(errorUs, isFirst)) {
      this.#set(nowUs, wantedUs, estimate.driftPpm);
    } else {
      this.#slew(nowUs, mediaUs, errorUs, estimate.driftPpm);
    }
    this.#carried = null;
  }

  // Who had not been told is the odd one out, by however little: the steering works off up to 5 ms by itself, faster than
  // a slew, and begins anew above.
  #mustJump(errorUs: number, isFirst: boolean): boolean {
    if (this.#carried !== null) return true;
    if (this.#isFollowingMove) return Math.abs(errorUs) > MOVED_JUMP_ABOVE_US;
    // Before the bursts it had one answer, with all that may have held that up.
    const isSeamless = this.#bursts <= YOUNG_BURSTS && Math.abs(errorUs) <= SEAMLESS_US;
    return isFirst || isSeamless || Math.abs(errorUs) > JUMP_ABOVE_US;
  }

  #judgeRtc(errorUs: number, uncertaintyUs: number, nowUs: number): void {
    if (this.#carried?.by !== 'rtc') return;
    const claimedUs = this.#uncertaintyAt(nowUs) ?? 0;
    if (Math.abs(errorUs) > claimedUs + uncertaintyUs) this.#isRtcWrong = true;
  }

  #set(nowUs: number, mediaUs: number, driftPpm: number): void {
    this.#isFollowingMove = false;
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
