import type { Unit } from '@loalang/shared';

/** A unit with the receivers that stand in itself. */
export interface UnitRow {
  readonly id: string;
  readonly parentId: string | null;
  readonly kind: Unit['kind'];
  readonly name: string;
  readonly position: number;
  readonly ownDevices: number;
}

/** Lays a subtree out as one reads it: each unit before those below it, siblings by position, then by Vietnamese name. */
export function outline(rows: readonly UnitRow[], rootId: string): Unit[] {
  const children = new Map<string | null, UnitRow[]>();
  for (const row of rows.toSorted(bySibling)) {
    const siblings = children.get(row.parentId);
    if (siblings) siblings.push(row);
    else children.set(row.parentId, [row]);
  }
  const units: Unit[] = [];
  const visit = (row: UnitRow): number => {
    const { ownDevices, position: _position, ...unit } = row;
    const place = units.length;
    units.push({ ...unit, deviceCount: ownDevices });
    const below = (children.get(row.id) ?? []).reduce((sum, child) => sum + visit(child), 0);
    units[place] = { ...unit, deviceCount: ownDevices + below };
    return ownDevices + below;
  };
  const root = rows.find((row) => row.id === rootId);
  if (root) visit(root);
  return units;
}

const collator = new Intl.Collator('vi');

function bySibling(a: UnitRow, b: UnitRow): number {
  return a.position - b.position || collator.compare(a.name, b.name);
}
