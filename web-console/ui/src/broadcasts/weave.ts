// The woven row: one square for each loudspeaker, in the same order everywhere, so that a dead one draws a dark column
// down the day. What does not fit as squares is counted by unit, failures first.
import type { Broadcast, CellState, Device } from '@loalang/shared';

/** More loudspeakers than this are grouped by unit: the squares would be too small to read. */
export const MOST_SQUARES = 24;

/** What one square shows; null: this loudspeaker was not addressed. */
export interface Square {
  readonly device: Device;
  readonly state: CellState | null;
}
export interface UnitSquares {
  readonly unitId: string;
  readonly unitName: string;
  readonly squares: readonly Square[];
}
export interface UnitCount {
  readonly unitId: string;
  readonly unitName: string;
  readonly all: number;
  readonly good: number;
  /** The state that most needs eyes. */
  readonly worst: CellState;
}

const goodStates: ReadonlySet<CellState> = new Set(['played', 'playing', 'cached']);
const worstFirst: readonly CellState[] = [
  'missed',
  'partial',
  'unconfirmed',
  'waiting',
  'cached',
  'playing',
  'played',
];

/** Loudspeakers by unit, then by the number painted on the pole. */
export function inOrder(devices: readonly Device[]): Device[] {
  return devices.toSorted(
    (a, b) =>
      a.unitName.localeCompare(b.unitName, 'vi') || a.unitId.localeCompare(b.unitId) || a.number - b.number,
  );
}

/** The squares of one broadcast for all loudspeakers in view, kept together by unit. */
export function weave(broadcast: Pick<Broadcast, 'cells'>, devices: readonly Device[]): UnitSquares[] {
  const states = new Map(broadcast.cells.map((cell) => [cell.deviceId, cell.state]));
  const groups: { unitId: string; unitName: string; squares: Square[] }[] = [];
  for (const device of inOrder(devices)) {
    let group = groups.at(-1);
    if (group?.unitId !== device.unitId) {
      group = { unitId: device.unitId, unitName: device.unitName, squares: [] };
      groups.push(group);
    }
    group.squares.push({ device, state: states.get(device.id) ?? null });
  }
  return groups;
}

/** The same, counted by unit; only units that were addressed, those with failures first. */
export function weaveByUnit(broadcast: Pick<Broadcast, 'cells'>, devices: readonly Device[]): UnitCount[] {
  return weave(broadcast, devices)
    .flatMap(({ unitId, unitName, squares }) => {
      const states = squares.flatMap(({ state }) => (state === null ? [] : [state]));
      const worst = worstFirst.find((state) => states.includes(state));
      if (worst === undefined) return [];
      return [{ unitId, unitName, all: states.length, good: countGood(states), worst }];
    })
    .toSorted((a, b) => worstFirst.indexOf(a.worst) - worstFirst.indexOf(b.worst));
}

const failures: ReadonlySet<CellState> = new Set(['missed', 'partial', 'unconfirmed']);

/** Units with failures one by one, the others as a number for each state. */
export function failuresFirst(counts: readonly UnitCount[]): {
  readonly failed: readonly UnitCount[];
  readonly others: readonly { readonly state: CellState; readonly units: number }[];
} {
  const others = counts.filter(({ worst }) => !failures.has(worst));
  return {
    failed: counts.filter(({ worst }) => failures.has(worst)),
    others: worstFirst
      .map((state) => ({ state, units: others.filter(({ worst }) => worst === state).length }))
      .filter(({ units }) => units > 0),
  };
}

/** How many of these states are what was wanted. */
export function countGood(states: readonly CellState[]): number {
  return states.filter((state) => goodStates.has(state)).length;
}

/** Loudspeakers that failed at least once in these broadcasts: their columns are marked. */
export function darkColumns(broadcasts: readonly Broadcast[]): ReadonlySet<string> {
  return new Set(
    broadcasts.flatMap(({ cells }) =>
      cells.filter(({ state }) => state === 'missed').map(({ deviceId }) => deviceId),
    ),
  );
}
