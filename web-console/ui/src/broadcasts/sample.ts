// Receivers and broadcasts for tests.
import type { Broadcast, CellState, Device, DeviceState } from '@loalang/shared';
import { mediaTimeOf } from '../format/time.ts';

/** 24/11/2026 at a time of day, in Vietnam. */
export const at = (clock: string) => mediaTimeOf(Date.parse(`2026-11-24T${clock}+07:00`));

export function device(unit: string, number: number, state: DeviceState = 'ready'): Device {
  return {
    id: `d-${unit}${number}`,
    unitId: unit,
    unitName: `Xã ${unit}`,
    number,
    name: `Thôn ${number}`,
    state,
    since: at('05:12:00'),
    lastSeenAt: at('17:00:00'),
    playing: null,
    clock: null,
    network: '4g',
    signalBars: 3,
    volume: 80,
    acousticOffsetMs: 0,
    temperatureC: 40,
    faults: [],
    refusedCount: 0,
  };
}

export function broadcast(
  title: string,
  from: string,
  to: string,
  states: Readonly<Record<string, CellState>>,
  more: Partial<Broadcast> = {},
): Broadcast {
  return {
    id: title,
    kind: 'file',
    title,
    priority: 'normal',
    startAt: at(from),
    endAt: at(to),
    stoppedAt: null,
    audioId: null,
    createdBy: 'Hoàng Thị Thuyên',
    places: ['Xã a'],
    cells: Object.entries(states).map(([deviceId, state]) => ({ deviceId, state })),
    ...more,
  };
}
