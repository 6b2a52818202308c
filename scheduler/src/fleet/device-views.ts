import type { Device, DeviceState, MediaTime } from '@loalang/shared';
import { deviceState } from './device-state.ts';
import type { PlacedDevice } from './device-repository.ts';

/** Shows receivers to people, and remembers since when each is as it is. */
export class DeviceViews {
  /** One entry a receiver. */
  readonly #since = new Map<string, { state: DeviceState; since: MediaTime | null }>();

  /** `titleOf` names a broadcast that the receiver says it plays. */
  show(device: PlacedDevice, now: MediaTime, titleOf: (broadcastId: string) => string): Device {
    const { id, unitId, unitName, number, name, acousticOffsetMs, lastSeenAt, status } = device;
    const state = deviceState({ lastSeenAt, status, now });
    const playing = state === 'playing' && status?.playing ? status.playing.broadcastId : null;
    return {
      id,
      unitId,
      unitName,
      number,
      name,
      state,
      since: state === 'offline' ? lastSeenAt : this.#sinceWhen(id, state, now),
      lastSeenAt,
      playing: playing === null ? null : { broadcastId: playing, title: titleOf(playing) },
      clock: status && { state: status.clock.state, uncertaintyUs: status.clock.uncertaintyUs },
      network: status?.board.network ?? null,
      signalBars: status?.board.signalBars ?? null,
      volume: status?.volume ?? null,
      acousticOffsetMs,
      temperatureC: status?.board.temperatureC ?? null,
      faults: status?.faults ?? [],
      refusedCount: Object.values(status?.refused ?? {}).reduce((sum, count) => sum + count, 0),
    };
  }

  /** Null where it was so already when this platform first looked. */
  #sinceWhen(id: string, state: DeviceState, now: MediaTime): MediaTime | null {
    const before = this.#since.get(id);
    if (before?.state === state) return before.since;
    const since = before === undefined ? null : now;
    this.#since.set(id, { state, since });
    return since;
  }
}
