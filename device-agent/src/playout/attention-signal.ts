// Before an emergency its receivers draw attention: two tones at once, 853 and 960 Hz, as broadcasters in the United States
// do (47 CFR §11.31(a)(2)), where they are heard well through horns and mistaken for nothing else. Three seconds instead of
// their eight: an emergency here may be a village's, and its first word must not wait.
import { addUs } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import { FRAME_SAMPLES, SAMPLE_RATE } from '@loalang/shared/opus';
import { Account } from './account.ts';
import { RELEASE_US } from './arbiter.ts';
import type { Armed } from './arming.ts';
import type { Broadcast } from './broadcast.ts';
import { Resampler } from './resampler.ts';
import type { Source } from './source.ts';

export const SIGNAL_US = 3_000_000;
const TONES_HZ = [853, 960] as const;
/** Each tone; -6 dBFS at its peaks and some 4 dB above speech. */
const AMPLITUDE = 0.25;

/** The tones as a function of the sample since the signal's start, so that all receivers sound as one. */
export class TwoTone implements Source {
  #position = 0;

  seek(sample: number): void {
    this.#position = sample;
  }

  next(): Float32Array {
    const from = this.#position;
    this.#position += FRAME_SAMPLES;
    return Float32Array.from({ length: FRAME_SAMPLES }, (_, index) => toneAt(from + index));
  }

  close(): void {}
}

function toneAt(sample: number): number {
  if (sample < 0) return 0;
  return TONES_HZ.reduce(
    (sum, hz) => sum + AMPLITUDE * Math.sin((2 * Math.PI * hz * sample) / SAMPLE_RATE),
    0,
  );
}

/**
 * The last three seconds before the first sound of an emergency, or what of them is still ahead. It takes the loudspeaker
 * under the emergency's name and rights, and is no part of it: nothing of it is proved.
 */
export class AttentionSignal implements Broadcast {
  readonly id: string;
  readonly kind: Broadcast['kind'];
  readonly priority: Broadcast['priority'];
  readonly startAt: MediaTime;
  readonly endAt: MediaTime;
  readonly soundsAt: MediaTime;
  readonly knownAt = null;
  readonly account: Account;
  readonly armed: Armed<Source>;

  constructor({ id, kind, priority, soundsAt }: Broadcast) {
    this.id = id;
    this.kind = kind;
    this.priority = priority;
    this.startAt = addUs(soundsAt, -SIGNAL_US);
    this.soundsAt = soundsAt;
    // What ends is let go so long before: here that is when the emergency itself begins.
    this.endAt = addUs(soundsAt, RELEASE_US);
    this.account = new Account(id, kind, null);
    const source = new TwoTone();
    this.armed = { source, resampler: new Resampler(source) };
  }

  obstacle(): null {
    return null;
  }

  readyAtUs(): number {
    return Infinity;
  }

  arm(): void {}

  disarm(): void {}

  fail(): void {}

  countPlayed(): void {}

  countMissed(): void {}

  settle(): null {
    return null;
  }
}
