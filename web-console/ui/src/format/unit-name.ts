import type { Unit } from '@loalang/shared';
import { words } from '../words/index.ts';

const kindPrefix = /^(tỉnh|thành phố|huyện|thị trấn|thị xã|xã|phường|thôn|bản|tổ dân phố)\s+/iu;

/** The name within a sentence, with its kind: "xã An Lạc", "thị trấn Yên Thế". */
export function unitName(unit: Pick<Unit, 'name' | 'kind'>): string {
  const prefix = kindPrefix.exec(unit.name);
  if (prefix === null) return `${words.unitKinds[unit.kind]} ${unit.name}`;
  return unit.name[0]?.toLocaleLowerCase('vi') + unit.name.slice(1);
}

/** The name without its kind, for narrow places: "An Lạc". */
export function shortUnitName(name: string): string {
  return name.replace(kindPrefix, '');
}

/** With a capital, to start a line: "Xã An Lạc". */
export function capital(text: string): string {
  return (text[0] ?? '').toLocaleUpperCase('vi') + text.slice(1);
}

/** Where a broadcast goes, in short: "cả xã" where it is the person's whole unit. */
export function placesText(places: readonly string[], own: Pick<Unit, 'name' | 'kind'> | null): string {
  const [only] = places;
  const isWhole = places.length === 1 && own !== null && only !== undefined && isSame(only, own.name);
  return isWhole ? words.common.wholeKind(words.unitKinds[own.kind]) : places.join(', ');
}

const isSame = (a: string, b: string): boolean => shortUnitName(a) === shortUnitName(b);
