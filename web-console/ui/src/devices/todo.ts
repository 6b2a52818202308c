// What the person should do: about loudspeakers, from their states, the worst first, many alike in one place as one; and
// about the platform's own clock.
import type { Broadcast, Device, DeviceState, Fault, TimeAlarm } from '@loalang/shared';
import { clockTime, dayOf, sinceText } from '../format/time.ts';
import { capital } from '../format/unit-name.ts';
import { words } from '../words/index.ts';
import { areOneUnit, deviceTitle } from './device-name.ts';

export interface Todo {
  readonly key: string;
  readonly state: DeviceState;
  readonly title: string;
  readonly note: string;
  /** Null where no page says more. */
  readonly href: string | null;
  readonly isGroup: boolean;
}

const urgency: readonly DeviceState[] = ['fault', 'offline', 'no-clock', 'never-seen'];
/** So many alike in one unit are one task: a power cut is not five tasks. */
const GROUP_FROM = 3;

/** Does this loudspeaker need somebody? */
export function needsCare(device: Pick<Device, 'state'>): boolean {
  return urgency.includes(device.state);
}

/** Loudspeakers that need somebody first, worst on top, then the others as they come. */
export function careFirst(devices: readonly Device[]): Device[] {
  return devices.toSorted((a, b) => careRank(a) - careRank(b));
}

function careRank(device: Device): number {
  return needsCare(device) ? urgency.indexOf(device.state) : urgency.length;
}

/** The list "Việc cần làm". */
export function todosOf(devices: readonly Device[], log: readonly Broadcast[], now: number): Todo[] {
  const isOneUnit = areOneUnit(devices);
  const groups = new Map<string, Device[]>();
  for (const device of careFirst(devices.filter(needsCare))) {
    const key = `${device.state} ${device.unitId}`;
    groups.set(key, [...(groups.get(key) ?? []), device]);
  }
  return [...groups.entries()].flatMap(([key, alike]) => {
    const [first] = alike;
    if (first === undefined) return [];
    if (alike.length >= GROUP_FROM) return [groupTodo(key, first, alike.length)];
    return alike.map((device) => deviceTodo(device, deviceTitle(device, isOneUnit), log, now));
  });
}

/** Whatever is wrong with the platform's clock is one task: its worst. */
export function timeTodos([alarm]: readonly TimeAlarm[]): Todo[] {
  if (alarm === undefined) return [];
  return [{ key: 'time', state: 'no-clock', ...words.timeAlarms[alarm], href: null, isGroup: false }];
}

/** Somebody guesses codes of boards: an administrator has to find out who. */
export function codeTodos(lockedUntil: number | null): Todo[] {
  if (lockedUntil === null) return [];
  const note = words.todo.codesLockedNote(clockTime(lockedUntil));
  return [{ key: 'codes', state: 'fault', title: words.todo.codesLocked, note, href: null, isGroup: false }];
}

function groupTodo(key: string, { unitName, state }: Device, count: number): Todo {
  return {
    key,
    state,
    title: words.todo.group(unitName, count, words.deviceStates[state]),
    note: stateNote(state),
    href: '/loa',
    isGroup: true,
  };
}

function deviceTodo(device: Device, name: string, log: readonly Broadcast[], now: number): Todo {
  const lost = log.filter(({ cells }) =>
    cells.some(({ deviceId, state }) => deviceId === device.id && state === 'missed'),
  ).length;
  const since = device.since === null ? '' : words.todo.since(sinceShort(device.since, now));
  const missed = lost === 0 ? '' : words.todo.missed(lost);
  const alsoWrong = otherFaults(device)
    .map((fault) => `${capital(words.faults[fault])}.`)
    .join(' ');
  return {
    key: device.id,
    state: device.state,
    title: words.todo.device(name, faultWords(device)),
    note: [since, missed, alsoWrong, missed === '' ? stateNote(device.state) : ''].filter(Boolean).join(' '),
    href: `/loa#${device.id}`,
    isGroup: false,
  };
}

/** Just the hour where it is today's: everything on the page is of today. */
function sinceShort(since: number, now: number): string {
  return dayOf(since) === dayOf(now) ? clockTime(since) : sinceText(since, now);
}

/** What is wrong, as precisely as the receiver knows. */
export function faultWords(device: Pick<Device, 'state' | 'faults'>): string {
  const [fault] = device.faults;
  return device.state === 'fault' && fault !== undefined
    ? words.faults[fault]
    : words.deviceStates[device.state];
}

/** What else is wrong, which `faultWords` does not tell: a dead battery behind an unknown hour, any fault while it plays. */
export function otherFaults({ state, faults }: Pick<Device, 'state' | 'faults'>): Fault[] {
  if (state === 'fault') return faults.slice(1);
  return faults.filter((fault) => fault !== 'clock-unknown' || state !== 'no-clock');
}

function stateNote(state: DeviceState): string {
  return state === 'offline' || state === 'no-clock' || state === 'never-seen'
    ? words.deviceNotes[state]
    : '';
}
