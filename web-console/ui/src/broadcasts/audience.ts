import type { Device, Unit } from '@loalang/shared';

/** A unit right below the person's own, with all that lie below it. */
export interface Branch {
  readonly unit: Unit;
  readonly below: readonly Unit[];
}

/** Ids of some units and of everything below them. */
export function subtree(units: readonly Unit[], rootIds: readonly string[]): ReadonlySet<string> {
  const ids = new Set(rootIds);
  for (let isGrowing = true; isGrowing;) {
    const found = units.filter(({ id, parentId }) => parentId !== null && ids.has(parentId) && !ids.has(id));
    found.forEach(({ id }) => ids.add(id));
    isGrowing = found.length > 0;
  }
  return ids;
}

/** The choices below a unit: its children that have loudspeakers, each with what lies below. */
export function branches(units: readonly Unit[], rootId: string): Branch[] {
  return units
    .filter(({ parentId, deviceCount }) => parentId === rootId && deviceCount > 0)
    .map((unit) => {
      const ids = subtree(units, [unit.id]);
      return {
        unit,
        below: units.filter(({ id, deviceCount }) => id !== unit.id && ids.has(id) && deviceCount > 0),
      };
    });
}

/** The loudspeakers that a choice of units reaches. */
export function reached(
  units: readonly Unit[],
  unitIds: readonly string[],
  devices: readonly Device[],
): Device[] {
  const ids = subtree(units, unitIds);
  return devices.filter(({ unitId }) => ids.has(unitId));
}

/** The choice after a click on one unit: the whole and its parts exclude each other, or a part would be counted twice. */
export function toggle(units: readonly Unit[], chosen: readonly string[], unitId: string): string[] {
  if (chosen.includes(unitId)) return chosen.filter((id) => id !== unitId);
  const below = subtree(units, [unitId]);
  const apart = chosen.filter((id) => !below.has(id) && !subtree(units, [id]).has(unitId));
  return [...apart, unitId];
}
