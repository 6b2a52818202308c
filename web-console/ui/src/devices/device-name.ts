import type { Device } from '@loalang/shared';
import { shortUnitName } from '../format/unit-name.ts';
import { words } from '../words/index.ts';

/** "Loa 4 Tông Cại"; one that left service has no name any more. */
export function deviceName(device: Pick<Device, 'number' | 'name'> | undefined): string {
  if (device === undefined) return words.devices.gone;
  const bare = device.name.replace(new RegExp(`^(cụm )?loa\\s+${device.number}\\b[\\s,:·-]*`, 'iu'), '');
  return words.devices.name(device.number, bare).trim();
}

/** The same with its unit, for sentences that stand alone. */
export function deviceTitle(device: Device | undefined, isOneUnit: boolean): string {
  const note = device === undefined ? '' : unitNote(device, isOneUnit);
  return note === '' ? deviceName(device) : `${deviceName(device)} (${note})`;
}

/** Do all of these belong to one unit, so that its name need not be told? */
export function areOneUnit(devices: Iterable<Pick<Device, 'unitId'>>): boolean {
  return new Set([...devices].map(({ unitId }) => unitId)).size <= 1;
}

/** The unit, where the name does not tell it already: receivers of several communes share their numbers. */
export function unitNote(device: Pick<Device, 'name' | 'unitName'>, isOneUnit: boolean): string {
  const isTold = device.name.includes(shortUnitName(device.unitName));
  return isOneUnit || isTold ? '' : device.unitName;
}
