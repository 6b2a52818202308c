import * as fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { expect, inject, test } from 'vitest';
import { PacketLengths } from './packet-length.ts';

const publish = (bytes: number): Buffer =>
  generate({ cmd: 'publish', topic: 't', payload: Buffer.alloc(bytes), qos: 0, retain: false, dup: false });

test('packets of any allowed length pass, however they are cut into chunks', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 999 }), (lengths, chunkBytes) => {
      const bytes = Buffer.concat(lengths.map(publish));
      const watch = new PacketLengths();
      for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
        expect(watch.take(bytes.subarray(offset, offset + chunkBytes))).toBe(true);
      }
    }),
    { seed: 2, numRuns: 50 * inject('soak') },
  );
});

test('a packet longer than anything of ours is seen by its header alone', () => {
  const watch = new PacketLengths();
  expect(watch.take(publish(100))).toBe(true);
  expect(watch.take(publish(4_300_000).subarray(0, 5))).toBe(false);
});

test('a length of more than four bytes is malformed', () => {
  expect(new PacketLengths().take(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01))).toBe(false);
});
