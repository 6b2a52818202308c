import { systemClock } from '@loalang/device-agent';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRecording } from '../recording/read-recording.ts';
import { makeRecorder } from './recorder.ts';
import { ReferenceTime } from './reference-time.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Records so many blocks of 20 ms, of which those from `first` to before `last` sound; gives the stretches' seconds. */
async function record(
  isSilenceKept: boolean,
  blocks: { count: number; first: number; last: number },
): Promise<number[]> {
  const clock = systemClock;
  const reference = new ReferenceTime(() => ({ wallMs: Date.now(), monotonicUs: clock.nowUs() }));
  const recording = { segmentMs: 10_000, keepSegments: 6, isSilenceKept };
  const recorder = makeRecorder({ folder, recording, clock, reference, log: pino({ level: 'silent' }) });
  await new Promise<void>((resolve) => {
    let block = 0;
    const render = (_heardAtUs: number, out: Float32Array): void => {
      out.fill(block >= blocks.first && block < blocks.last ? 0.5 : 0);
      block += 1;
      if (block === blocks.count) resolve();
    };
    void recorder.start(render);
  });
  await recorder.close();
  return (await readRecording(folder)).map(({ samples }) => samples.filter((sample) => sample !== 0).length);
}

test('a receiver that says nothing writes nothing', async () => {
  expect(await record(false, { count: 10, first: 0, last: 0 })).toEqual([]);
});

test('what sounds is recorded from its first sample on', async () => {
  expect(await record(false, { count: 20, first: 5, last: 15 })).toEqual([10 * 960]);
});

test('silence is recorded where it is asked for', async () => {
  expect(await record(true, { count: 10, first: 0, last: 0 })).toEqual([0]);
});
