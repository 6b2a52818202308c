import {
  cellStateSchema,
  deviceStateSchema,
  errorCatalogue,
  faultSchema,
  missedReasons,
  personRoleSchema,
  prioritySchema,
  sentence as sentenceOf,
  timeAlarmSchema,
  unitKindSchema,
} from '@loalang/shared';
import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { vi } from './vi.ts';

/** Every sentence of a dictionary; functions are told with sample values. */
function sentences(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function') return sentences(Reflect.apply(value, undefined, ['3', '4', '5', '6']));
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(sentences) : [];
}

function keys(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, `${path}.${key}`));
}

describe('the words of the console', () => {
  it('name everything that the contract can say, in both languages', () => {
    for (const words of [vi, en]) {
      expect(Object.keys(words.missed).toSorted()).toEqual([...missedReasons].toSorted());
      expect(Object.keys(words.faults).toSorted()).toEqual(faultSchema.options.toSorted());
      expect(Object.keys(words.timeAlarms).toSorted()).toEqual(timeAlarmSchema.options.toSorted());
      expect(Object.keys(words.cells).toSorted()).toEqual(cellStateSchema.options.toSorted());
      expect(Object.keys(words.deviceStates).toSorted()).toEqual(deviceStateSchema.options.toSorted());
      expect(Object.keys(words.priorities).toSorted()).toEqual(prioritySchema.options.toSorted());
      expect(Object.keys(words.roles).toSorted()).toEqual(personRoleSchema.options.toSorted());
      expect(Object.keys(words.unitKinds).toSorted()).toEqual(unitKindSchema.options.toSorted());
    }
    for (const { vi: sentence } of Object.values(errorCatalogue)) expect(sentence).not.toBe('');
  });

  it('have the same keys in both languages', () => {
    expect(keys(en)).toEqual(keys(vi));
  });

  it('say of a file that is too big what the server says', () => {
    for (const [language, words] of [
      ['vi', vi],
      ['en', en],
    ] as const) {
      expect(words.send.tooBig(300)).toBe(sentenceOf('AUDIO_TOO_BIG', language, { limitMB: 300 }));
    }
  });

  it('say of a loudspeaker that leaves service out of reach for how long it may still sound', () => {
    for (const { device } of [vi, en]) {
      for (const sentence of [device.retireLead, device.unreached('Loa 1')]) expect(sentence).toContain('7');
    }
  });

  it('leave nothing empty or unfilled, and do not shout', () => {
    for (const sentence of [...sentences(vi), ...sentences(en)]) {
      expect(sentence.trim()).not.toBe('');
      expect(sentence).not.toMatch(/undefined|\[object|!/);
    }
  });

  it('say loa, never a word for a person who is not the reader', () => {
    for (const sentence of sentences(vi)) expect(sentence).not.toMatch(/\b(bạn|Oops|OK)\b/i);
  });
});
