import { LoaLangError, type LiveStream } from '@loalang/shared';

interface Entry {
  readonly announcement: LiveStream;
  readonly speaker: string;
  /** Receivers that no other microphone may take. */
  readonly taken: Set<string>;
}

/** Which microphones are on air, and which receivers each has. In memory: a live broadcast never outlives its process. */
export class OnAir {
  readonly #entries = new Map<string, Entry>();

  /** Takes the receivers for a stream. Throws LIVE_BUSY where another microphone has one of them. */
  take(announcement: LiveStream, speaker: string, deviceIds: readonly string[]): void {
    for (const entry of this.#entries.values()) {
      if (deviceIds.some((id) => entry.taken.has(id))) {
        throw new LoaLangError('LIVE_BUSY', { person: entry.speaker });
      }
    }
    this.#entries.set(announcement.id, { announcement, speaker, taken: new Set(deviceIds) });
  }

  announcementOf(broadcastId: string): LiveStream | null {
    return this.#entries.get(broadcastId)?.announcement ?? null;
  }

  /** Lets other microphones have a receiver; the stream stays announced. */
  free(broadcastId: string, deviceIds: readonly string[]): void {
    const taken = this.#entries.get(broadcastId)?.taken;
    for (const id of deviceIds) taken?.delete(id);
  }

  remove(broadcastId: string): void {
    this.#entries.delete(broadcastId);
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }
}
