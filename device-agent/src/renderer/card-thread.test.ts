// The renderer's thread with the real libasound and a card made of software.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PulseRig } from '../sink/pulse-rig.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { ThreadRenderer } from './thread-renderer.ts';

let rig: PulseRig;
let renderer: ThreadRenderer;
let clock: HandClock;
let faults: string[];

beforeEach(async () => {
  rig = await PulseRig.create();
  await rig.startServer();
  clock = new HandClock();
  faults = [];
  renderer = new ThreadRenderer({
    sink: { kind: 'alsa', device: 'pulse' },
    clock,
    random: () => 0,
    progress: [],
    events: {
      onProof: () => {},
      onReport: () => {},
      onFault: (error) => faults.push(error instanceof Error ? error.message : ''),
    },
  });
});

afterEach(async () => {
  await renderer.close();
  await rig.close();
});

/** The streams that play on the card, by their numbers. */
function streams(): string[] {
  const { stdout } = spawnSync('pactl', ['list', 'short', 'sink-inputs'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .flatMap((line) => line.split('\t')[0] ?? [])
    .filter((id) => id !== '');
}

it('says whether it has real-time priority, and one that is ended by force leaves no card open', async () => {
  await renderer.start();
  await rig.until('playing', () => streams().length === 1 && renderer.report.isRealTime !== null);
  const before = streams();
  // Nothing is heard of it meanwhile: we do not listen.
  clock.advance(6_000);
  expect(renderer.report.sinkFailure).toBe('the renderer stands still');
  await rig.until('closed', () => streams().length === 0);
  clock.advance(1_000);
  await rig.until('playing again', () => streams().length === 1);
  expect(streams()).not.toEqual(before);
  await rig.until('well', () => renderer.report.sinkFailure === null);
  expect(faults).toEqual(['the renderer stands still']);
  await renderer.close();
  await rig.until('closed for good', () => streams().length === 0);
}, 240_000);
