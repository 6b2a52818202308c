import type { ClipName, Digit } from './clips.ts';

/** One clip of a sentence, and when it begins, counted from the sentence's beginning. */
export interface Word {
  readonly clip: ClipName;
  readonly atMs: number;
}

/** After "Mã của loa". */
const CODE_AT_MS = 1_800;
/**
 * From one digit to the next: time enough to write it down. The playout holds six items ready, those of the next 3.5 s
 * among them, so that no digit may follow faster than every 0.7 s.
 */
const DIGIT_MS = 1_000;
/** Codes are read in two groups of four. */
const GROUP = 4;
const GROUP_PAUSE_MS = 700;

/** "Mã của loa: một hai ba bốn, năm sáu bảy tám." Null where a character has no clip. */
export function sayCode(code: string): Word[] | null {
  const clips = code.split('').map(readDigit);
  if (!clips.every((clip) => clip !== null)) return null;
  const spelt = clips.map((clip, index) => ({
    clip,
    atMs: CODE_AT_MS + index * DIGIT_MS + Math.floor(index / GROUP) * GROUP_PAUSE_MS,
  }));
  return [{ clip: 'code', atMs: 0 }, ...spelt];
}

function readDigit(character: string): Digit | null {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one character, and it is a digit
  return /^\d$/.test(character) ? (character as Digit) : null;
}
