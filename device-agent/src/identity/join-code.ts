import { randomInt } from 'node:crypto';

const LENGTH = 8;

/**
 * A fresh code of eight digits: 26.6 bits. Digits alone, since their Vietnamese names differ in vowel and tone, which a horn
 * and a bad line leave, where many letters differ only in a consonant (bê, dê, tê, vê; em, en; ét, ích), which they don't;
 * and everybody's telephone has a key for each.
 */
export function makeJoinCode(): string {
  return Array.from({ length: LENGTH }, () => randomInt(10)).join('');
}
