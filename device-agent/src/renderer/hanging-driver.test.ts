// A thread that hangs in a driver cannot be ended: it goes when the driver lets it go, beside the one that took its place.
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HeldCard } from '../sink/index.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { ThreadRenderer } from './thread-renderer.ts';

const ENTRY = new URL('./hanging-thread.ts', import.meta.url);
let folder: string;
let clock: HandClock;
let renderer: ThreadRenderer;
let channel: BroadcastChannel;
/** Where each thread notes its card. */
let cards: HeldCard[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-hanging-'));
  spawnSync('mkfifo', [join(folder, 'gate')]);
  cards = [];
  channel = new BroadcastChannel('held');
  channel.addEventListener('message', (event) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody else knows of the channel
    cards.push((event as Event & { data: HeldCard }).data);
  });
  clock = new HandClock();
  const events = { onProof: () => {}, onReport: () => {}, onFault: () => {} };
  const around = { clock, random: () => 0, progress: [], events };
  renderer = new ThreadRenderer({ ...around, sink: { kind: 'wav', folder }, entry: ENTRY });
});

afterEach(async () => {
  const closing = renderer.close();
  clock.advance(2_000);
  await closing;
  channel.close();
  await rm(folder, { recursive: true });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

const isOpen = (card: HeldCard | undefined): boolean => card !== undefined && Atomics.load(card, 0) !== 0n;

it('lets go of its own card, and not of the one that plays now', async () => {
  await renderer.start();
  await until(() => isOpen(cards[0]));
  while (renderer.report.sinkFailure === null) clock.advance(1_000);
  clock.advance(1_000);
  await until(() => isOpen(cards[1]));
  // Open for both ways, so that nobody waits for the other here.
  const gate = await open(join(folder, 'gate'), 'r+');
  await gate.write('x');
  await until(() => !isOpen(cards[0]));
  const isSecondOpen = isOpen(cards[1]);
  await gate.close();
  expect(isSecondOpen).toBe(true);
}, 120_000);
