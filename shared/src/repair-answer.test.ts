import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { decodeRepairAnswer, encodeRepairAnswer } from './repair-answer.ts';

const idBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });

test('the stream and its packet come back as they went in', () => {
  fc.assert(
    fc.property(idBytes, fc.uint8Array({ minLength: 1 }), (id, packet) => {
      const streamId = Buffer.from(id).toString('hex');
      const bytes = encodeRepairAnswer({ streamId, packet });
      expect(bytes.subarray(0, 16)).toEqual(id);
      expect(decodeRepairAnswer(bytes)).toEqual({ streamId, packet });
    }),
    { seed: 6, numRuns: 100 * inject('soak') },
  );
});

test.each([0, 1, 15, 16])('%i bytes are no answer', (length) => {
  expect(decodeRepairAnswer(new Uint8Array(length))).toBeNull();
});

test('a view into a longer piece of memory is read from its own beginning', () => {
  const bytes = encodeRepairAnswer({ streamId: '0f'.repeat(16), packet: Uint8Array.of(7) });
  const within = new Uint8Array(40).fill(9);
  within.set(bytes, 5);
  expect(decodeRepairAnswer(within.subarray(5, 5 + bytes.length))).toEqual({
    streamId: '0f'.repeat(16),
    packet: Uint8Array.of(7),
  });
});

test('an id that is none is a mistake of the caller', () => {
  expect(() => encodeRepairAnswer({ streamId: 'abc', packet: Uint8Array.of(1) })).toThrow();
});
