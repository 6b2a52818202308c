import { readdirSync, readlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { WavSegment } from './wav-segment.ts';

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // The one by which the folder was read.
      return [];
    }
  });
}

it('leaves no file open where the disk is full', async () => {
  await expect(WavSegment.create('/dev/full')).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(openFiles()).not.toContain('/dev/full');
});
