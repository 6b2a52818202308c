// Hearing a receiver from the page. It is asked for one stretch after another, each of which begins where the last ended;
// they are laid one behind the other on the sound card's own time, so that they sound as one.
import type { MediaTime } from '@loalang/shared';
import { api, fetchRecording, type Failure } from '../api.ts';
import { mediaTimeAt } from '../format/time.ts';
import { rmsDbfs } from '../live/level.ts';

/** Short enough to begin soon, long enough that a request costs little beside it. */
const STRETCH_MS = 4000;
/** Sound in hand before the first stretch begins, against a network that takes its time. */
const HEAD_START_S = 0.8;
/** A receiver may miss one question; after so many it is said. */
const MOST_TRIES = 3;
/** What the receiver itself needs to have a stretch whole. */
const MARGIN_MS = 150;
const SILENT_BELOW_DBFS = -65;

export type ListenState = 'waiting' | 'sounding' | 'silent';
export interface ListenerEvents {
  onState(state: ListenState): void;
  onFailure(failure: Failure | 'undecodable'): void;
}

/** Listens to one receiver until it is closed. */
export class Listener {
  readonly #deviceId: string;
  readonly #events: ListenerEvents;
  readonly #context: AudioContext;
  readonly #now: () => number;
  #isClosed = false;
  #nextAtS = 0;

  /** `now` is the platform's media time. Must be made in a click, or the browser keeps the sound back. */
  constructor(deviceId: string, now: () => number, events: ListenerEvents) {
    this.#deviceId = deviceId;
    this.#now = now;
    this.#events = events;
    this.#context = new AudioContext();
  }

  async start(): Promise<void> {
    this.#events.onState('waiting');
    await this.#context.resume();
    let from: MediaTime | null = null;
    let failures = 0;
    while (!this.#isClosed) {
      const next = await this.#stretch(from);
      if (this.#isClosed) return;
      if (next.ok) {
        failures = 0;
        from = next.until;
        await this.#waitUntilWhole(next.until);
        continue;
      }
      failures += 1;
      from = null;
      const isWorthAgain = next.failure === 'undecodable' || next.failure.code !== 'DEVICE_OFFLINE';
      if (isWorthAgain && failures < MOST_TRIES) continue;
      this.#events.onFailure(next.failure);
      this.close();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#context.close();
  }

  async #stretch(
    from: MediaTime | null,
  ): Promise<{ ok: true; until: MediaTime } | { ok: false; failure: Failure | 'undecodable' }> {
    const asked = await api.listen(this.#deviceId, from, STRETCH_MS);
    if (!asked.ok) return asked;
    const fetched = await fetchRecording(asked.value.id);
    if (!fetched.ok || this.#isClosed) return fetched.ok ? { ok: true, until: asked.value.from } : fetched;
    let sound: AudioBuffer;
    try {
      sound = await this.#context.decodeAudioData(fetched.value);
    } catch {
      return { ok: false, failure: 'undecodable' };
    }
    this.#lay(sound);
    const isSilent = rmsDbfs(sound.getChannelData(0)) < SILENT_BELOW_DBFS;
    this.#events.onState(isSilent ? 'silent' : 'sounding');
    const { from: begun, durationMs } = asked.value;
    return { ok: true, until: mediaTimeAt(begun + durationMs * 1000) };
  }

  #lay(sound: AudioBuffer): void {
    if (this.#isClosed) return;
    const source = this.#context.createBufferSource();
    source.buffer = sound;
    source.connect(this.#context.destination);
    const earliestS = this.#context.currentTime;
    if (this.#nextAtS < earliestS) this.#nextAtS = earliestS + HEAD_START_S;
    source.start(this.#nextAtS);
    this.#nextAtS += sound.duration;
  }

  async #waitUntilWhole(until: MediaTime): Promise<void> {
    const restMs = (until - this.#now()) / 1000 + STRETCH_MS + MARGIN_MS;
    const waitMs = Math.min(2 * STRETCH_MS, Math.max(0, restMs));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
