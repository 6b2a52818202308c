import { PassThrough, type Duplex } from 'node:stream';
import { once } from 'node:events';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { gateReads } from './read-gate.ts';

/** Reads as Aedes does: one `read()` at each 'readable', and the next when it is done with that. */
function readAll(stream: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  const readNext = (): void => {
    const chunk: unknown = stream.read();
    if (!Buffer.isBuffer(chunk)) return;
    chunks.push(chunk);
    setImmediate(readNext);
  };
  stream.on('readable', readNext);
  return chunks;
}

test('whatever is held back comes later, whole and in order', async () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 300 }), async (sent, mostBytes) => {
      const stream = new PassThrough();
      gateReads(stream, (bytes) => {
        const takenBytes = Math.min(mostBytes, bytes.byteLength);
        return { objection: null, takenBytes, waitMs: takenBytes < bytes.byteLength ? 0.1 : 0 };
      });
      const got = readAll(stream);
      for (const chunk of sent) stream.write(chunk);
      stream.end();
      await once(stream, 'end');
      expect(Buffer.concat(got)).toEqual(Buffer.concat(sent));
      expect(Math.max(0, ...got.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(mostBytes);
    }),
    { seed: 5, numRuns: 50 * inject('soak') },
  );
});

test('an objection ends the stream, and nothing of the chunk is handed on', async () => {
  const stream = new PassThrough();
  gateReads(stream, () => ({ objection: new Error('no') }));
  const got = readAll(stream);
  stream.write('x');
  await expect(once(stream, 'close')).rejects.toThrow('no');
  expect(got).toEqual([]);
});

test('a stream that is closed while it is held back leaves no timer', async () => {
  const stream = new PassThrough();
  gateReads(stream, () => ({ objection: null, takenBytes: 0, waitMs: 3_600_000 }));
  readAll(stream);
  const before = timers();
  stream.write('x');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(timers()).toBe(before + 1);
  stream.destroy();
  await once(stream, 'close');
  expect(timers()).toBe(before);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
