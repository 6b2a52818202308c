// Both renderers are one: the same calls give the same samples, proofs and reports, whatever thread they run in.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AudioPacket, Priority } from '@loalang/shared';
import type { MediaLine } from '../clock/index.ts';
import type { ProofDraft } from '../playout/index.ts';
import {
  NOON,
  NO_QUIET,
  QUIET_NOW,
  afterNoon,
  framesOfSamples,
  idOf,
  itemOf,
  noise,
  oggOf,
  packetsOf,
  peak,
  streamOf,
} from '../playout/test-rig.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { LocalRenderer } from './local-renderer.ts';
import type { Renderer, RendererEvents, RenderItem, RenderPlan, RenderReport } from './renderer.ts';
import { SteppedSink, stepChannel, type Step } from './stepped-sink.ts';
import { ThreadRenderer } from './thread-renderer.ts';

vi.setConfig({ testTimeout: 120_000 });
const ITEM_MS = 6_000;
const SLOW: MediaLine = { fromUs: 0, mediaUs: NOON, driftPpm: 40, slewPpm: 100, slewUntilUs: 3e6 };
const audio = noise(5, (ITEM_MS / 1_000) * 48_000);
const ogg = oggOf(audio);
let folder: string;
let packets: AudioPacket[];
let rig: Rig | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-renderer-'));
  await writeFile(join(folder, 'audio'), ogg);
  packets = packetsOf(await framesOfSamples(noise(6, 48_000)), afterNoon(2_000));
});

afterEach(async () => {
  await rig?.close();
  rig = null;
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface RigParts<Kind extends Renderer> {
  readonly makeRenderer: (events: RendererEvents) => Kind;
  readonly step: (step: Step) => Promise<Float32Array>;
  readonly end?: () => void;
}

class Rig<Kind extends Renderer = Renderer> {
  readonly renderer: Kind;
  readonly proofs: ProofDraft[] = [];
  readonly faults: unknown[] = [];
  /** What was told, as often as it changed: what sounds, and why nothing does. */
  readonly told: (string | null)[][] = [];
  readonly #parts: RigParts<Kind>;
  #nowUs = 0;

  constructor(parts: RigParts<Kind>) {
    this.#parts = parts;
    this.renderer = parts.makeRenderer({
      onProof: (draft) => this.proofs.push(draft),
      onReport: () => this.#note(this.renderer.report),
      onFault: (error) => this.faults.push(error),
    });
  }

  /** What was said before is heeded then, and what was told of it is here. */
  async settled(): Promise<void> {
    await this.renderer.recent(null, 20);
  }

  async step(step: Step): Promise<Float32Array> {
    await this.settled();
    const heard = await this.#parts.step(step);
    await this.settled();
    return heard;
  }

  async playTo(ms: number, told?: Int32Array<SharedArrayBuffer>): Promise<Float32Array> {
    const fromUs = this.#nowUs;
    this.#nowUs = ms * 1_000;
    const blocks = (this.#nowUs - fromUs) / 20_000;
    return this.step({ kind: 'play', fromUs, blocks, ...(told === undefined ? {} : { told }) });
  }

  /** Lets time pass in which nobody plays. */
  skipTo(ms: number): void {
    this.#nowUs = ms * 1_000;
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  }

  #note({ playing, sinkFailure }: RenderReport): void {
    const [id, failure] = this.told.at(-1) ?? [null, null];
    const now = [playing?.broadcastId ?? null, sinkFailure];
    if (now[0] !== id || now[1] !== failure) this.told.push(now);
  }

  insert(nowMs: number): void {
    for (const packet of packets) this.renderer.insert(idOf(9), packet, nowMs * 1_000);
  }

  async close(): Promise<void> {
    await this.renderer.close();
    this.#parts.end?.();
  }
}

function openLocal(): Rig {
  const sink = new SteppedSink();
  return new Rig({
    makeRenderer: (events) =>
      new LocalRenderer({ sink, clock: sink.clock, random: () => 0, progress: [], events }),
    step: (step) => sink.take(step),
  });
}

function openThread(clock = new HandClock()): Rig<ThreadRenderer> {
  let onHeard: (heard: Float32Array) => void = () => {};
  const channel = stepChannel((said) => {
    if (said instanceof Float32Array) onHeard(said);
  });
  const entry = new URL('stepped-thread.ts', import.meta.url);
  const options = { sink: { kind: 'null' }, clock, random: () => 0, progress: [], entry } as const;
  return new Rig({
    makeRenderer: (events) => new ThreadRenderer({ ...options, events }),
    step: (step) =>
      new Promise((resolve) => {
        onHeard = resolve;
        channel.say(step);
      }),
    end: () => channel.close(),
  });
}

function renderItem(id: number, startMs: number, priority: Priority = 'normal'): RenderItem {
  const { broadcastId, title, startAt, durationMs, asset } = itemOf(id, startMs, ITEM_MS, null);
  const audioFile = { path: join(folder, 'audio'), bytes: ogg.byteLength };
  return { broadcastId, title, startAt, durationMs, asset, priority, audio: audioFile };
}

const planOf = (...items: RenderItem[]): RenderPlan => ({ items, policy: NO_QUIET, acousticOffsetMs: 0 });

function begin({ renderer }: Rig, ...items: RenderItem[]): void {
  renderer.setTimeline(SLOW);
  renderer.setPlan(planOf(...items));
  renderer.setNow(QUIET_NOW);
  void renderer.start();
}

/** Does nothing at all, not even take messages, until so many blocks were rendered elsewhere. */
function standStillUntil(told: Int32Array<SharedArrayBuffer>, blocks: number): void {
  for (let count = 0; count < blocks; count = Atomics.load(told, 0)) {
    if (Atomics.wait(told, 0, count, 20_000) === 'timed-out') throw new Error(`it stopped at ${count}`);
  }
}

/** An item, a stream over it, an emergency over both, a stop, volume, mute, and a sink that fails and comes back. */
async function playAll(all: Rig): Promise<Float32Array[]> {
  const { renderer } = all;
  const heard: Float32Array[] = [];
  const playTo = async (ms: number): Promise<void> => void heard.push(await all.playTo(ms));
  renderer.setTimeline(SLOW);
  renderer.setPlan(planOf(renderItem(1, 1_000), renderItem(2, 3_500, 'emergency'), renderItem(3, 10_000)));
  renderer.setNow(QUIET_NOW);
  await renderer.start();
  await playTo(1_500);
  renderer.setNow({ ...QUIET_NOW, streams: [streamOf(9, 2_000, 3_000)] });
  all.insert(1_500);
  await playTo(4_000);
  renderer.setNow({ ...QUIET_NOW, stopped: [idOf(2)], volume: 50 });
  await playTo(5_000);
  renderer.setNow({ ...QUIET_NOW, stopped: [idOf(2)], isMuted: true });
  await playTo(5_500);
  renderer.setNow({ ...QUIET_NOW, stopped: [idOf(2)] });
  await all.step({ kind: 'fail', failure: 'pulled out' });
  await all.step({ kind: 'fail', failure: null });
  await playTo(11_000);
  renderer.setTimeline(null);
  await playTo(11_500);
  return heard;
}

describe('the renderer', () => {
  it('plays the same in another thread, sample by sample, and proves and reports the same', async () => {
    rig = openLocal();
    const expected = await playAll(rig);
    const { proofs, told } = rig;
    await rig.close();
    rig = openThread();
    const heard = await playAll(rig);
    await rig.close();
    expect(heard.map(peak)).toEqual(expected.map(peak));
    expect(heard).toEqual(expected);
    expect(rig.proofs).toEqual(proofs);
    expect(rig.proofs.map(({ broadcastId }) => broadcastId)).toEqual([9, 2, 1].map(idOf));
    expect(rig.told).toEqual(told);
    expect(rig.told.length).toBeGreaterThan(8);
    expect([rig.renderer.report.progress.length, rig.faults]).toEqual([1, []]);
  });

  it('goes on where it should be while whoever feeds it stands still', async () => {
    const play = async (one: Rig, told?: Int32Array<SharedArrayBuffer>): Promise<Float32Array> => {
      begin(one, renderItem(1, 1_000));
      await one.playTo(1_500);
      const heard = one.playTo(4_000, told);
      await one.settled();
      if (told !== undefined) standStillUntil(told, 125);
      return heard;
    };
    rig = openLocal();
    const expected = await play(rig);
    await rig.close();
    rig = openThread();
    const heard = await play(rig, new Int32Array(new SharedArrayBuffer(4)));
    expect(peak(heard)).toBeGreaterThan(0.3);
    expect(heard).toEqual(expected);
  });

  it('tells what of a stream is missing, in this thread and in another', async () => {
    for (rig of [openLocal(), openThread()]) {
      begin(rig);
      rig.renderer.setNow({ ...QUIET_NOW, streams: [streamOf(9, 2_000, 3_000)] });
      await rig.playTo(1_000);
      packets
        .filter((_, index) => index !== 2)
        .forEach((packet) => rig?.renderer.insert(idOf(9), packet, 1e6));
      const gaps = await rig.renderer.gaps(idOf(9), afterNoon(1_000), null);
      expect(gaps).toEqual([{ sequence: 6, frames: 3, dueUs: afterNoon(2_120) }]);
      await rig.close();
    }
  });
});

describe('a thread that falls', () => {
  it('is told of, replaced, and goes on with all it was told; each broadcast is proved once', async () => {
    const clock = new HandClock();
    rig = openThread(clock);
    begin(rig, renderItem(1, 1_000));
    rig.renderer.setNow({ ...QUIET_NOW, volume: 50, streams: [streamOf(9, 2_000, 3_000)] });
    rig.insert(500);
    await rig.playTo(2_500);
    expect(rig.told.at(-1)).toEqual([idOf(9), null]);
    await rig.step({ kind: 'fail', failure: null });
    void rig.step({ kind: 'crash' });
    await rig.until(() => rig?.told.at(-1)?.[1] === 'crashed');
    expect([rig.renderer.report.playing, rig.faults.length]).toEqual([null, 1]);
    rig.renderer.setNow({ ...QUIET_NOW, volume: 50 });
    clock.advance(1_000);
    expect(rig.proofs).toMatchObject([{ broadcastId: idOf(9), kind: 'stream', frames: { missed: 0 } }]);
    rig.skipTo(4_000);
    const heard = await rig.playTo(7_500);
    expect(rig.told.slice(-2)).toEqual([
      [idOf(1), null],
      [null, null],
    ]);
    expect(peak(heard.subarray(0, 48_000))).toBeCloseTo(peak(audio.subarray(144_000, 192_000)) / 4, 1);
    expect(rig.proofs.map(({ broadcastId }) => broadcastId)).toEqual([idOf(9), idOf(1)]);
    const { frames, reason } = rig.proofs[1] ?? {};
    expect([frames, reason]).toEqual([{ played: 200, concealed: 0, missed: 100 }, 'sink-failed']);
  });

  it('is replaced where it stands still, and does not eat the memory until then', async () => {
    const clock = new HandClock();
    const falling = openThread(clock);
    rig = falling;
    begin(rig, renderItem(1, 1_000));
    rig.renderer.setNow({ ...QUIET_NOW, streams: [streamOf(9, 2_000, 3_000)] });
    await rig.playTo(1_500);
    void rig.step({ kind: 'hang' });
    await rig.settled();
    for (let round = 0; round < 100; round += 1) rig.insert(1_500);
    expect(falling.renderer.droppedPackets).toBeGreaterThan(0);
    clock.advance(6_000);
    expect(rig.renderer.report.sinkFailure).toBe('the renderer stands still');
    clock.advance(1_000);
    rig.skipTo(3_000);
    expect(peak(await rig.playTo(4_000))).toBeGreaterThan(0.3);
    expect(rig.renderer.report.sinkFailure).toBeNull();
  });

  it('is not replaced without end where it does not go', async () => {
    const clock = new HandClock();
    rig = openThread(clock);
    await rig.renderer.start();
    // Nothing else happens meanwhile: none of them is gone before the next is due.
    clock.advance(600_000);
    expect(rig.faults).toHaveLength(2);
  });

  it('is not waited for when the receiver closes', async () => {
    const clock = new HandClock();
    rig = openThread(clock);
    begin(rig);
    await rig.playTo(100);
    void rig.step({ kind: 'hang' });
    await rig.settled();
    const closed = rig.close();
    clock.advance(2_000);
    await closed;
    expect(await rig.renderer.gaps(idOf(9), NOON, null)).toEqual([]);
  });
});
