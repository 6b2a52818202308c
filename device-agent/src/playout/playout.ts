import { addUs, mediaTime } from '@loalang/shared';
import type { AudioPacket, MediaTime, MissedReason, Policy } from '@loalang/shared';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { Timeline } from '../clock/timeline.ts';
import { framesOf, levelDbfs } from './account.ts';
import type { Progress, ProofDraft } from './account.ts';
import { choose, nextChangeUs, releaseAt, standingOf } from './arbiter.ts';
import type { Kind, Standing } from './arbiter.ts';
import type { Broadcast, PlayableItem } from './broadcast.ts';
import type { Gap } from './gaps.ts';
import { LOOK_AHEAD_SAMPLES, Limiter } from './limiter.ts';
import { LineUp } from './line-up.ts';
import type { NowState } from './line-up.ts';
import { FADE_SAMPLES, Mixer } from './mixer.ts';
import type { Contribution } from './mixer.ts';
import { MonitorRing } from './monitor-ring.ts';
import type { Heard } from './monitor-ring.ts';
import { MAX_READ_SAMPLES } from './resampler.ts';
import { SAMPLES_PER_US } from './source.ts';
import { Steering } from './steering.ts';
import type { Span } from './steering.ts';

export interface Playing {
  readonly broadcastId: string;
  readonly kind: Kind;
}

export interface PlayoutOptions {
  readonly createDecoder: () => Promise<OpusDecoder>;
  readonly timeline: Timeline;
  /** A broadcast is over: what sounded of it. Once for each. */
  readonly onProof: (draft: ProofDraft) => void;
  /** What sounds has changed; null: the amplifier may be muted. */
  readonly onSounding: (now: Playing | null) => void;
  /** How far a broadcast had sounded before this start. */
  readonly progressOf?: (broadcastId: string) => Progress | null;
  /** Why nothing sounded before this start: the power was off, unless it is said otherwise. */
  readonly reasonBefore?: MissedReason;
  /** Something broke and was got over; for the log. */
  readonly onFault?: (error: unknown) => void;
}

const LOOK_AHEAD_US = 1_000_000;
// A block boundary in samples is only exact to rounding; a millionth of a sample is heard by nobody.
const EPSILON_SAMPLES = 1e-6;
// About a second, so that the level can be read off.
const LEVEL_SAMPLES = 48_000;

/**
 * The receiver's core: filled plans, streams and packets in, samples and proofs out. It does no I/O and reads no clock:
 * whoever calls says when what is asked for will be heard. What may sound is the arbiter's choice; where a broadcast is,
 * media time says, so that after an interruption or a restart it goes on where it should be.
 */
export class Playout {
  readonly #options: PlayoutOptions;
  readonly #lineUp: LineUp;
  readonly #mixer = new Mixer();
  readonly #limiter = new Limiter();
  readonly #steering = new Steering();
  readonly #ring = new MonitorRing();
  #events: (() => void)[] = [];
  #volume = 100;
  #sounding: Playing | null = null;
  #lastVoice: Playing | null = null;
  #at: MediaTime | null = null;
  #firstAt: MediaTime | null = null;
  #seenSince: MediaTime | null = null;
  /** The stretch of media time in which the sink was last gone. */
  #unheard: { from: MediaTime; to: MediaTime } | null = null;
  #isUnheard = false;
  #unknownSamples = 0;
  #meanSquare = 0;

  constructor(options: PlayoutOptions) {
    this.#options = options;
    this.#lineUp = new LineUp({
      createDecoder: options.createDecoder,
      progressOf: options.progressOf ?? (() => null),
    });
  }

  /**
   * Fills `out` with what must be heard from the monotonic moment `heardAtUs` on, where a sample takes `pace` times its
   * nominal length. Never throws. What is decided here is heard 5 ms later, since the limiter looks so far ahead.
   */
  render(heardAtUs: number, out: Float32Array, pace = 1): void {
    this.#isUnheard = false;
    out.fill(0);
    for (let done = 0; done < out.length; done += MAX_READ_SAMPLES) {
      const slice = out.subarray(done, done + MAX_READ_SAMPLES);
      const sliceUs = heardAtUs + ((done + LOOK_AHEAD_SAMPLES) / SAMPLES_PER_US) * pace;
      this.#guard(() => this.#renderSlice(sliceUs, slice, pace));
      this.#limiter.process(slice);
    }
    this.#noteSounding();
    this.#deliver();
  }

  /**
   * The sink is gone: what sounded has broken off, and what is due is missed. To be called now and then until it is back,
   * so that proofs do not wait for it.
   */
  passUnheard(nowUs: number): void {
    this.#guard(() => this.#passUnheard(nowUs));
    this.#noteSounding();
    this.#deliver();
  }

  /** Replaces the plan. Exactly one proof comes of each broadcast whose window has opened, whatever follows. */
  setPlan(items: readonly PlayableItem[], policy: Policy): void {
    this.#guard(() => this.#lineUp.setPlan(items, policy, this.#at));
  }

  /**
   * From now on all sounds so much later than media time says: at once where nothing sounds, else without a jump, as fast
   * as `Steering` allows. Everything follows, quiet hours too, but what comes from a person's hand: stop, mute, volume.
   */
  setAcousticOffset(offsetMs: number): void {
    this.#steering.aim(offsetMs * 1000);
  }

  setNow(now: NowState): void {
    this.#volume = now.volume;
    this.#guard(() => this.#lineUp.setNow(now, this.#at));
  }

  /** Takes a checked packet of an announced stream; `nowUs` is the monotonic clock. Dropped while the hour isn't known. */
  insert(streamId: string, packet: AudioPacket, nowUs: number): void {
    const at = this.#options.timeline.toMediaTime(nowUs);
    if (at !== null) this.#lineUp.stream(streamId)?.insert(packet, addUs(at, -this.#steering.delayUs));
  }

  /** What of a stream is missing and may still come in time; see `findGaps`. */
  gaps(streamId: string, nowUs: number, tailUntilUs: number | null): Gap[] {
    return this.#lineUp.stream(streamId)?.buffer.gaps(nowUs, tailUntilUs) ?? [];
  }

  /** What was heard from a media time on (null: the latest), as much of it as the last 12 s hold. */
  recent(from: MediaTime | null, durationMs: number): Heard | null {
    return this.#ring.recent(from, durationMs);
  }

  status(): { playing: Playing | null; bufferMs: number | null; levelDbfs: number | null } {
    const level = this.#sounding === null ? null : levelDbfs(this.#meanSquare, 1);
    return { playing: this.#sounding, bufferMs: this.#bufferMs(), levelDbfs: level };
  }

  /** How far what is open has sounded, to be kept on disk. */
  progress(): Progress[] {
    return [...this.#lineUp.near]
      .map(({ account }) => account.progress())
      .filter((progress) => progress !== null);
  }

  /** Gives all decoders back. Nothing sounds after it. */
  close(): void {
    this.#lineUp.close();
  }

  #renderSlice(heardAtUs: number, out: Float32Array, pace: number): void {
    const heardAt = this.#options.timeline.toMediaTime(heardAtUs);
    if (heardAt === null) {
      this.#renderBlind(out);
      return;
    }
    this.#settleDelay(heardAt);
    // From here on every time is one of the broadcasts: what is heard later than media time says is of an earlier one.
    const at = addUs(heardAt, -this.#steering.delayUs);
    if (this.#at === null) this.#seenSince = at;
    this.#at = at;
    this.#firstAt ??= at;
    this.#lineUp.prepare(at);
    if (this.#lineUp.isEmpty && this.#mixer.isIdle) {
      this.#steering.forget();
      this.#ring.pushSilence(heardAt, out.length);
      return;
    }
    const span = this.#steering.advance(heardAt, out.length, () => pace * this.#slope(heardAtUs, heardAt));
    if (span.isRestart) this.#release(FADE_SAMPLES, at);
    this.#renderSpan(span, out);
    this.#ring.push(heardAt, out);
    this.#measure(out);
  }

  // What begins within the step to a smaller delay would lose its beginning: it begins with the old one.
  #settleDelay(heardAt: MediaTime): void {
    const { delayUs, wantedDelayUs } = this.#steering;
    if (delayUs === wantedDelayUs || !this.#mixer.isIdle) return;
    const isSkipped = ({ startAt }: Broadcast): boolean =>
      heardAt - delayUs < startAt && startAt < heardAt - wantedDelayUs;
    if (![...this.#lineUp.near].some(isSkipped)) this.#steering.settle();
  }

  #passUnheard(nowUs: number): void {
    this.#mixer.silence();
    this.#limiter.reset();
    this.#steering.forget();
    const heardAt = this.#options.timeline.toMediaTime(nowUs);
    if (heardAt === null) return;
    const at = addUs(heardAt, -this.#steering.delayUs);
    this.#at = at;
    this.#firstAt ??= at;
    this.#unheard = { from: (this.#isUnheard ? this.#unheard?.from : null) ?? at, to: at };
    this.#isUnheard = true;
    this.#lineUp.prepare(at);
    for (const stream of this.#lineUp.streams) stream.countMissed('sink-failed', at, 0);
    this.#closeEnded(at);
  }

  // Without media time nothing may sound: what did fades, and what is due is counted as missed at its end.
  #renderBlind(out: Float32Array): void {
    if (this.#at !== null) this.#release(FADE_SAMPLES, this.#at);
    this.#at = null;
    this.#steering.forget();
    this.#unknownSamples += out.length;
    this.#mixer.mixTails(out);
    this.#measure(out);
  }

  // The choice can change in the middle of a block; each stretch between two changes is filled on its own.
  #renderSpan(span: Span, out: Float32Array): void {
    for (let done = 0; done < out.length;) {
      const at = mediaTime(Math.round(span.base + (span.offset + done * span.step) / SAMPLES_PER_US));
      this.#closeEnded(at);
      const end = Math.min(out.length, this.#nextChange(span, done, at));
      const stretch = out.subarray(done, end);
      const able = this.#lineUp.candidates.filter((each) => each.obstacle(at) === null);
      const winner = choose(able, this.#lineUp.rules, at);
      const isHeard = this.#sound(winner, span, done, at, stretch);
      this.#mixer.mixTails(stretch);
      this.#countMissed(isHeard ? winner : null, winner, at, stretch.length * span.step);
      done = end;
    }
  }

  #nextChange(span: Span, done: number, at: MediaTime): number {
    let nextUs = nextChangeUs(this.#lineUp.candidates, at);
    for (const broadcast of this.#lineUp.near) {
      const readyAtUs = broadcast.readyAtUs(at);
      if (readyAtUs > at) nextUs = Math.min(nextUs, readyAtUs);
    }
    const sample = ((nextUs - span.base) * SAMPLES_PER_US - span.offset) / span.step;
    return Math.max(done + 1, Math.ceil(sample - EPSILON_SAMPLES));
  }

  /** Lets the winner sound over a stretch; false where its source broke. */
  #sound(winner: Broadcast | null, span: Span, done: number, at: MediaTime, out: Float32Array): boolean {
    if (this.#mixer.current !== winner || this.#mixer.isStale) this.#release(FADE_SAMPLES, at);
    if (winner === null) return false;
    const offset = (span.base - winner.startAt) * SAMPLES_PER_US;
    const position = offset + span.offset + done * span.step;
    const gain = this.#gainOf(winner);
    if (this.#mixer.current === null && winner.armed !== null) {
      this.#mixer.begin(winner, winner.armed, position, gain);
    }
    try {
      this.#count(winner, this.#mixer.mix(position, span.step, gain, out), at);
      return true;
    } catch (error) {
      this.#options.onFault?.(error);
      winner.fail(at);
      this.#release(FADE_SAMPLES, at);
      return false;
    }
  }

  #release(fadeSamples: number, at: MediaTime): void {
    const broadcast = this.#mixer.current;
    const rest = this.#mixer.release(fadeSamples);
    if (broadcast !== null && rest !== null) this.#count(broadcast, rest, at);
  }

  // A proof says when it was heard, so the delay is in its times. Frames are the broadcast's own: one that is played a
  // little fast for hours lacks none.
  #count(broadcast: Broadcast, { position, samples, covered, squares }: Contribution, at: MediaTime): void {
    if (samples === 0) return;
    const heardAt = addUs(at, this.#steering.delayUs);
    broadcast.account.sounded(heardAt, addUs(heardAt, samples / SAMPLES_PER_US), samples, squares);
    broadcast.countPlayed(position, covered);
    this.#lastVoice = { broadcastId: broadcast.id, kind: broadcast.kind };
  }

  #countMissed(heard: Broadcast | null, winner: Broadcast | null, at: MediaTime, samples: number): void {
    for (const broadcast of this.#lineUp.near) {
      if (broadcast === heard) continue;
      const standing = standingOf(broadcast, this.#lineUp.rules, at);
      const reason = reasonOf(standing, broadcast.obstacle(at), broadcast !== winner);
      if (reason !== null) broadcast.countMissed(reason, at, samples);
    }
  }

  #closeEnded(at: MediaTime): void {
    for (const broadcast of this.#lineUp.near) {
      const standing = standingOf(broadcast, this.#lineUp.rules, at);
      const isCancelled = this.#lineUp.isCancelled(broadcast);
      if (standing === 'over') this.#close(broadcast, at, false);
      else if (standing !== 'early' && (standing === 'stopped' || isCancelled))
        this.#close(broadcast, at, true);
    }
  }

  #close(broadcast: Broadcast, at: MediaTime, isStopped: boolean): void {
    const lastUs = isStopped ? Infinity : broadcast.endAt - releaseAt(broadcast);
    if (this.#mixer.current === broadcast) this.#release(Math.floor(lastUs * SAMPLES_PER_US), at);
    const due = broadcast.settle(at, this.#uncountedReason(broadcast, 0));
    const draft = broadcast.account.proof(due, (frames) =>
      isStopped ? 'stopped' : this.#uncountedReason(broadcast, frames),
    );
    this.#lineUp.remove(broadcast, true);
    this.#events.push(() => this.#options.onProof(draft));
  }

  // Frames that were due while nothing was rendered: before the start, without the hour, or while the sink stood still.
  #uncountedReason(broadcast: Broadcast, frames: number): MissedReason {
    const wasOff = this.#firstAt === null || broadcast.startAt < this.#firstAt;
    const unknownFrames = framesOf(this.#unknownSamples);
    const wasBlind = unknownFrames > 0 && broadcast.startAt < (this.#seenSince ?? Infinity);
    if (wasBlind && unknownFrames >= frames) return 'clock-unknown';
    if (wasOff) return this.#options.reasonBefore ?? 'powered-off';
    const { from = Infinity, to = -Infinity } = this.#unheard ?? {};
    if (broadcast.startAt <= to && broadcast.endAt > from) return 'sink-failed';
    if (broadcast.kind === 'stream') return 'no-packets';
    const isKnownLate = broadcast.knownAt !== null && broadcast.knownAt > broadcast.startAt;
    return isKnownLate ? 'asset-missing' : 'sink-failed';
  }

  // An emergency is as loud as the receiver was installed to be.
  #gainOf({ priority }: Broadcast): number {
    return priority === 'emergency' ? 1 : gainOfVolume(this.#volume);
  }

  #slope(heardAtUs: number, at: MediaTime): number {
    const later = this.#options.timeline.toMediaTime(heardAtUs + LOOK_AHEAD_US);
    return later === null ? 1 : (later - at) / LOOK_AHEAD_US;
  }

  #bufferMs(): number | null {
    const at = this.#at;
    if (at === null) return null;
    const tails = this.#lineUp.streams.map(({ buffer }) => buffer.tailUs).filter((tailUs) => tailUs !== null);
    const streams = this.#lineUp.streams.length;
    return streams === 0 ? null : Math.max(0, Math.round((Math.max(0, ...tails) - at) / 1000));
  }

  #measure(out: Float32Array): void {
    let squares = 0;
    for (let index = 0; index < out.length; index += 1) squares += (out[index] ?? 0) ** 2;
    const weight = Math.min(1, out.length / LEVEL_SAMPLES);
    this.#meanSquare += (squares / out.length - this.#meanSquare) * weight;
  }

  #noteSounding(): void {
    const { current } = this.#mixer;
    const fading = this.#mixer.isIdle ? null : this.#lastVoice;
    const now = current === null ? fading : { broadcastId: current.id, kind: current.kind };
    if (now?.broadcastId === this.#sounding?.broadcastId) return;
    this.#sounding = now;
    if (now === null) this.#meanSquare = 0;
    this.#events.push(() => this.#options.onSounding(now));
  }

  // Listeners hear of things after the samples are there, and what one throws stays with it.
  #deliver(): void {
    const events = this.#events;
    this.#events = [];
    for (const event of events) this.#guard(event);
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.onFault?.(error);
    }
  }
}

/** Why a broadcast that is due does not sound; null where it isn't due. */
function reasonOf(standing: Standing, obstacle: MissedReason | null, isBeaten: boolean): MissedReason | null {
  if (standing === 'early' || standing === 'over') return null;
  if (standing !== 'eligible') return standing;
  return obstacle ?? (isBeaten ? 'interrupted' : null);
}

/** Loudness is heard as a power of the amplitude: half the number sounds about half as loud, 12 dB less. */
export function gainOfVolume(volume: number): number {
  return (Math.max(0, Math.min(100, volume)) / 100) ** 2;
}
