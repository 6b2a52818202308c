import { addMs, type MediaTime } from '@loalang/shared';

interface Recording {
  readonly unitId: string;
  readonly bytes: Buffer;
  readonly keptUntil: MediaTime;
}

const KEPT_MS = 60_000;
/** 64 of at most 2 MB; the oldest makes room. */
const MAX_RECORDINGS = 64;

/** What receivers sent of what they played, for a minute, in memory only. */
export class Recordings {
  readonly #recordings = new Map<string, Recording>();

  put(id: string, recording: { unitId: string; bytes: Buffer }, now: MediaTime): void {
    this.#forgetOld(now);
    const oldest = this.#recordings.keys().next();
    if (this.#recordings.size >= MAX_RECORDINGS && oldest.done !== true)
      this.#recordings.delete(oldest.value);
    this.#recordings.set(id, { ...recording, keptUntil: addMs(now, KEPT_MS) });
  }

  get(id: string, now: MediaTime): { unitId: string; bytes: Buffer } | null {
    this.#forgetOld(now);
    return this.#recordings.get(id) ?? null;
  }

  #forgetOld(now: MediaTime): void {
    for (const [id, { keptUntil }] of this.#recordings) {
      if (keptUntil > now) break;
      this.#recordings.delete(id);
    }
  }
}
