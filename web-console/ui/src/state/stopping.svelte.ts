import type { Broadcast } from '@loalang/shared';
import { api } from '../api.ts';
import { type GivenStop, stopVerdict } from '../broadcasts/stop-verdict.ts';
import { today } from './today.svelte.ts';

/** The last stop that was given, and what came of it. */
class Stopping {
  given = $state.raw<GivenStop | null>(null);
  /** Media time at which all that answer were silent. */
  silentAt = $state<number | null>(null);
  failure = $state<string | null>(null);
  isAsking = $state(false);

  readonly sentence: string | null = $derived(
    this.failure ?? (this.given === null ? null : stopVerdict(this.given, today.devices, this.silentAt)),
  );

  async stopAll(): Promise<void> {
    this.#begin();
    const answer = await api.stopAll();
    this.isAsking = false;
    if (answer.ok) this.#took(answer.value.stopped);
    else this.failure = answer.failure.message;
  }

  async stopOne(broadcast: Pick<Broadcast, 'id'>): Promise<void> {
    this.#begin();
    const answer = await api.stop(broadcast.id);
    this.isAsking = false;
    if (answer.ok) this.#took([broadcast.id]);
    else this.failure = answer.failure.message;
  }

  dismiss(): void {
    this.given = null;
    this.failure = null;
  }

  #begin(): void {
    this.dismiss();
    this.silentAt = null;
    this.isAsking = true;
  }

  #took(stopped: readonly string[]): void {
    const cells = (today.value?.broadcasts ?? [])
      .filter(({ id }) => stopped.includes(id))
      .flatMap((broadcast) => broadcast.cells);
    this.given = { stopped, deviceIds: new Set(cells.map(({ deviceId }) => deviceId)) };
  }
}

export const stopping = new Stopping();
