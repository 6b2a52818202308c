import * as fc from 'fast-check';
import { expect, inject, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { Progress, ProofDraft } from './account.ts';
import type { PlayableItem } from './broadcast.ts';
import { Playout } from './playout.ts';
import { BLOCK, NOON, NO_QUIET, idOf, itemOf, noise, oggOf, openBytes, streamOf } from './test-rig.ts';

// Whatever comes in whatever order: no exception, no sample out of bounds, at most one proof of a broadcast, exactly
// one of each whose window opened, frames that add up, silence outside of every window.

const ITEM_MS = 600;
const GOOD = oggOf(noise(4, (ITEM_MS / 1000) * 48_000));
const BAD = GOOD.map((byte, index) => (index > GOOD.length / 2 ? byte ^ 0x55 : byte));
let openDecoders = 0;

/** Loud and cheap. Every 50th call fails as a broken library would. */
function fakeDecoder(): OpusDecoder {
  let calls = 0;
  openDecoders += 1;
  const decode = (): Float32Array => {
    calls += 1;
    if (calls % 50 === 49) throw new Error('decoder');
    return new Float32Array(BLOCK).fill(0.9);
  };
  return { decode, conceal: decode, close: () => (openDecoders -= 1) };
}

const anyItem = fc.record({
  id: fc.integer({ min: 1, max: 8 }),
  startMs: fc.integer({ min: 0, max: 8_000 }),
  priority: fc.constantFrom('normal' as const, 'priority' as const, 'emergency' as const),
  audio: fc.constantFrom(
    'good' as const,
    'good' as const,
    'bad' as const,
    'missing' as const,
    'throws' as const,
  ),
});

function playable({
  id,
  startMs,
  priority,
  audio,
}: typeof anyItem extends fc.Arbitrary<infer T> ? T : never): PlayableItem {
  const openAudio = (): ReturnType<PlayableItem['openAudio']> => {
    if (audio === 'missing') return null;
    if (audio === 'throws') throw new Error('disk');
    return openBytes(audio === 'bad' ? BAD : GOOD);
  };
  // The same id is the same broadcast: its time follows from it, so that a plan set anew says the same.
  return { ...itemOf(id, id * 900 + (startMs % 7), ITEM_MS, null), priority, openAudio };
}

const anyPlan = fc.record({
  act: fc.constant('plan' as const),
  items: fc.uniqueArray(anyItem, { selector: ({ id }) => id, minLength: 2 }),
});
const anyNow = fc.record({
  act: fc.constant('now' as const),
  streams: fc.uniqueArray(fc.integer({ min: 20, max: 23 })),
  stopped: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 2 }),
  volume: fc.integer({ min: 0, max: 100 }),
  isMuted: fc.constantFrom(false, false, false, true),
});
const anyPacket = fc.record({
  act: fc.constant('packet' as const),
  stream: fc.integer({ min: 20, max: 24 }),
  sequence: fc.oneof(fc.nat(20), fc.nat(2 ** 32 - 1)),
  aheadMs: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: -500, max: 14_000 })),
  count: fc.integer({ min: 1, max: 6 }),
  isLast: fc.constantFrom(false, false, false, true),
});
const anyClock = fc.record({
  act: fc.constant('clock' as const),
  jumpUs: fc.oneof(
    fc.integer({ min: -4_000, max: 4_000 }),
    fc.integer({ min: 0, max: 40_000 }),
    fc.constant(null),
  ),
});
const anyOffset = fc.record({
  act: fc.constant('offset' as const),
  offsetMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 })),
});
const anyPull = fc.record({
  act: fc.constant('pull' as const),
  blocks: fc.integer({ min: 1, max: 10 }),
  size: fc.constantFrom(480, 960, 1_000, 4_800),
});
const anyAct = fc.oneof(
  { weight: 1, arbitrary: anyPlan },
  { weight: 1, arbitrary: anyNow },
  { weight: 1, arbitrary: anyClock },
  { weight: 1, arbitrary: anyOffset },
  { weight: 6, arbitrary: anyPacket },
  { weight: 8, arbitrary: anyPull },
);
const anyActs = fc
  .tuple(anyPlan, anyNow, fc.array(anyAct, { maxLength: 100, size: 'max' }))
  .map(([plan, now, acts]) => [plan, now, ...acts]);

it('holds what it promises whatever comes', async () => {
  await fc.assert(
    fc.asyncProperty(anyActs, async (acts) => {
      const proofs: ProofDraft[] = [];
      const soundings: (string | null)[] = [];
      let offsetUs: number | null = 0;
      let lastOffsetUs = 0;
      let nowUs = 0;
      const at = (us: number): number | null => (offsetUs === null ? null : NOON + us + offsetUs);
      const playout = new Playout({
        createDecoder: () => Promise.resolve(fakeDecoder()),
        timeline: {
          toMediaTime: (us) => {
            const mediaUs = at(us);
            return mediaUs === null ? null : mediaTime(Math.round(mediaUs));
          },
        },
        onProof: (draft) => proofs.push(draft),
        onSounding: (now) => soundings.push(now?.broadcastId ?? null),
      });
      const pull = async (count: number, size: number): Promise<void> => {
        for (let block = 0; block < count; block += 1) {
          const out = new Float32Array(size).fill(7);
          playout.render(nowUs, out);
          nowUs += (size / 48) * 1000;
          expect(out.every((sample) => sample >= -1 && sample <= 1)).toBe(true);
          await Promise.resolve();
          await Promise.resolve();
        }
      };
      let items: PlayableItem[] = [];
      for (const each of acts) {
        switch (each.act) {
          case 'plan':
            items = each.items.map(playable);
            playout.setPlan(items, NO_QUIET);
            break;
          case 'now':
            playout.setNow({
              streams: each.streams.map((id) => streamOf(id, (id - 20) * 1_000, 6_000)),
              stopped: each.stopped.map(idOf),
              volume: each.volume,
              isMuted: each.isMuted,
            });
            break;
          case 'packet': {
            const stampUs = at(nowUs + each.aheadMs * 1000);
            if (stampUs === null) break;
            const frames = Array.from({ length: each.count }, () => Uint8Array.of(1, 2, 3));
            const packet = {
              sequence: each.sequence,
              mediaTime: mediaTime(Math.round(stampUs)),
              isLast: each.isLast,
              frames,
            };
            playout.insert(idOf(each.stream), packet, nowUs);
            break;
          }
          case 'clock':
            if (each.jumpUs !== null) lastOffsetUs += each.jumpUs;
            offsetUs = each.jumpUs === null ? null : lastOffsetUs;
            break;
          case 'offset':
            playout.setAcousticOffset(each.offsetMs);
            break;
          case 'pull':
            await pull(each.blocks, each.size);
            break;
        }
      }
      offsetUs = lastOffsetUs;
      nowUs += 20_000_000;
      await pull(20, 960);
      const ids = proofs.map(({ broadcastId }) => broadcastId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { broadcastId } of items) expect(ids).toContain(broadcastId);
      for (const { kind, frames, reason, startedAt, endedAt } of proofs) {
        if (kind === 'item') expect(frames.played + frames.concealed + frames.missed).toBe(ITEM_MS / 20);
        expect(reason === null).toBe(frames.missed === 0);
        expect(startedAt === null).toBe(endedAt === null);
      }
      expect(soundings.at(-1) ?? null).toBeNull();
      const kept: Progress[] = playout.progress();
      expect(kept).toEqual([]);
      playout.close();
      await Promise.resolve();
      expect(openDecoders).toBe(0);
    }),
    { numRuns: 40 * inject('soak'), seed: 11 },
  );
});
