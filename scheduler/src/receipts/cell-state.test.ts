import { addMs, mediaTime } from '@loalang/shared';
import { expect, test } from 'vitest';
import { cellState, makeReceipt, summarizeProofs, type CellInput } from './index.ts';
import type { ProofPart } from './proof-summary.ts';

const start = mediaTime(1_700_000_000_000_000);
const at = (seconds: number) => addMs(start, seconds * 1000);

/** Ten seconds: 500 frames. */
const file: CellInput = {
  now: at(-60),
  kind: 'file',
  startAt: start,
  endAt: at(10),
  stoppedAt: null,
  isCached: false,
  isPlaying: false,
  proof: null,
};

function proof(
  played: number,
  concealed: number,
  missed: number,
  difference: Partial<ProofPart> = {},
): ProofPart {
  const frames = { played, concealed, missed };
  return {
    startedAt: start,
    endedAt: at(10),
    frames,
    reason: null,
    levelDbfs: -18,
    amplifierA: 2,
    ...difference,
  };
}

const proved = (...parts: ProofPart[]) => ({ proof: summarizeProofs(parts), now: at(20) });

test.each<{ what: string; difference: Partial<CellInput>; state: string }>([
  { what: 'planned', difference: {}, state: 'waiting' },
  { what: 'fetched', difference: { isCached: true }, state: 'cached' },
  {
    what: 'reported as playing',
    difference: { isCached: true, isPlaying: true, now: at(1) },
    state: 'playing',
  },
  { what: 'due but not reported yet', difference: { isCached: true, now: at(5) }, state: 'cached' },
  { what: 'over, its proof awaited', difference: { isCached: true, now: at(99.9) }, state: 'cached' },
  {
    what: 'over for 90 s without a proof',
    difference: { isCached: true, now: at(100) },
    state: 'unconfirmed',
  },
  {
    what: 'said to play 90 s after its end',
    difference: { isPlaying: true, now: at(100) },
    state: 'unconfirmed',
  },
  { what: 'proved whole', difference: proved(proof(500, 0, 0)), state: 'played' },
  { what: 'proved at 98 %', difference: proved(proof(490, 10, 0)), state: 'played' },
  { what: 'proved at less', difference: proved(proof(489, 11, 0)), state: 'partial' },
  { what: 'proved with a frame missed', difference: proved(proof(499, 0, 1)), state: 'partial' },
  { what: 'proved from the middle on', difference: proved(proof(300, 0, 0)), state: 'partial' },
  { what: 'proved in two parts', difference: proved(proof(200, 0, 0), proof(300, 0, 0)), state: 'played' },
  {
    what: 'proved silent',
    difference: proved(proof(0, 0, 500, { reason: 'asset-missing' })),
    state: 'missed',
  },
  { what: 'proved late', difference: { ...proved(proof(500, 0, 0)), now: at(10_000) }, state: 'played' },
  { what: 'stopped before its start', difference: { stoppedAt: at(-10), now: at(1_000) }, state: 'waiting' },
  {
    what: 'stopped in the middle, no proof',
    difference: { stoppedAt: at(5), now: at(95) },
    state: 'unconfirmed',
  },
  {
    what: 'stopped in the middle',
    difference: { stoppedAt: at(5), ...proved(proof(250, 0, 0)) },
    state: 'played',
  },
  { what: 'live, heard as sent', difference: { kind: 'live', ...proved(proof(50, 0, 0)) }, state: 'played' },
  { what: 'live, with holes', difference: { kind: 'live', ...proved(proof(40, 5, 5)) }, state: 'partial' },
])('a broadcast that is $what shows as $state', ({ difference, state }) => {
  expect(cellState({ ...file, ...difference })).toBe(state);
});

test('a receipt sums the parts and takes level and current of the longest', () => {
  const parts = [
    proof(100, 2, 0, { endedAt: at(2), levelDbfs: -40, amplifierA: 0.1 }),
    proof(300, 0, 98, { startedAt: at(4), reason: 'powered-off' }),
  ];
  const input = { ...file, isCached: true, ...proved(...parts) };
  expect(makeReceipt('d-abcdefghij', input)).toEqual({
    deviceId: 'd-abcdefghij',
    state: 'partial',
    isPlanned: true,
    isCached: true,
    startedAt: start,
    endedAt: at(10),
    playedMs: 8_000,
    missedMs: 1_960,
    concealedMs: 40,
    reason: 'powered-off',
    levelDbfs: -18,
    amplifierA: 2,
  });
});
