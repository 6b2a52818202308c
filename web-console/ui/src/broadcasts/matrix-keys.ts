/** A place in the woven matrix, from 0. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

const steps: Readonly<Record<string, (from: Place, last: Place) => Place>> = {
  ArrowUp: ({ row, column }) => ({ row: Math.max(0, row - 1), column }),
  ArrowDown: ({ row, column }, last) => ({ row: Math.min(last.row, row + 1), column }),
  ArrowLeft: ({ row, column }) => ({ row, column: Math.max(0, column - 1) }),
  ArrowRight: ({ row, column }, last) => ({ row, column: Math.min(last.column, column + 1) }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, last) => ({ row, column: last.column }),
};

/** Where a key leads in a matrix that ends at `last`; null where the key is not one of its own. */
export function placeAfter(key: string, from: Place, last: Place): Place | null {
  return steps[key]?.(from, last) ?? null;
}
