import type { Device } from '@loalang/shared';
import { areOneUnit, deviceTitle } from '../devices/device-name.ts';
import { clockSeconds } from '../format/time.ts';
import { words } from '../words/index.ts';

/** A stop that was given: which broadcasts, and the loudspeakers that they were addressed to. */
export interface GivenStop {
  readonly stopped: readonly string[];
  readonly deviceIds: ReadonlySet<string>;
}

const unreachable: ReadonlySet<Device['state']> = new Set(['offline', 'never-seen']);

/** Receivers that still sound although told to stop; when this is empty, the time of silence is known. */
export function stillSounding(stop: GivenStop, devices: readonly Device[]): Device[] {
  return devices.filter(
    (device) =>
      stop.deviceIds.has(device.id) &&
      !unreachable.has(device.state) &&
      device.playing !== null &&
      stop.stopped.includes(device.playing.broadcastId),
  );
}

/** "10 loa đã im lúc 17:11:09. Loa 7 chưa trả lời: mất kết nối." `silentAt` is null until all that answer are silent. */
export function stopVerdict(stop: GivenStop, devices: readonly Device[], silentAt: number | null): string {
  if (stop.stopped.length === 0) return words.stop.nothing;
  const told = devices.filter(({ id }) => stop.deviceIds.has(id));
  const lost = told.filter(({ state }) => unreachable.has(state));
  if (silentAt === null) return words.stop.pending(told.length - lost.length);
  const silent = words.stop.silentAt(told.length - lost.length, clockSeconds(silentAt));
  return [silent, noAnswer(lost, areOneUnit(devices))].filter(Boolean).join(' ');
}

function noAnswer(lost: readonly Device[], isOneUnit: boolean): string {
  if (lost.length > 2) return words.stop.noAnswers(lost.length);
  return lost
    .map((device) => words.stop.noAnswer(deviceTitle(device, isOneUnit), words.deviceStates[device.state]))
    .join(' ');
}
