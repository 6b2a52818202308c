/** Characters of a code: no I and no O, which are read as 1 and 0. Receivers make theirs of digits alone. */
export const JOIN_CODE = /^[0-9A-HJ-NP-Z]{8}$/;

/** A code as a person types it: in groups, in small letters, with letters for the digits that look like them. */
export function readJoinCode(typed: string): string | null {
  const plain = typed
    .toUpperCase()
    .replace(/[\s.\-–]/g, '')
    .replace(/O/g, '0')
    .replace(/I/g, '1');
  return JOIN_CODE.test(plain) ? plain : null;
}
