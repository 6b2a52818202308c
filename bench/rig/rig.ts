import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { hiss } from '../material/hiss.ts';
import { Children } from './children.ts';
import type { Rig } from './players.ts';
import { TwoCards } from './two-cards.ts';

const SOUND_SECONDS = 60;
const BITRATE = 64_000;

/** Lends a rig to some work and takes everything down again, also at Ctrl-C. */
export async function withRig(work: (rig: Rig) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
  const children = new Children();
  const close = async (): Promise<void> => {
    await children.close();
    await rm(folder, { recursive: true, force: true });
  };
  const interrupt = (): void => {
    void close().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    const cards = new TwoCards(children, folder);
    await cards.start();
    const samples = hiss(SOUND_SECONDS);
    await work({ children, cards, folder, samples, frames: await encode(samples) });
  } finally {
    await close();
  }
}

async function encode(samples: Int16Array): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder({ bitrate: BITRATE, application: 'audio' });
  const count = Math.floor(samples.length / FRAME_SAMPLES);
  const frames = Array.from({ length: count }, (_, index) =>
    encoder.encode(samples.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES)),
  );
  encoder.close();
  return frames;
}
