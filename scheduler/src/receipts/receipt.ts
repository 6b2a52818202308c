import type { Receipt } from '@loalang/shared';
import { cellState, type CellInput } from './cell-state.ts';

const FRAME_MS = 20;

/** One row of the receipt matrix. */
export function makeReceipt(deviceId: string, input: CellInput): Receipt {
  const { proof } = input;
  return {
    deviceId,
    state: cellState(input),
    isPlanned: true,
    isCached: input.isCached,
    startedAt: proof?.startedAt ?? null,
    endedAt: proof?.endedAt ?? null,
    playedMs: (proof?.played ?? 0) * FRAME_MS,
    missedMs: (proof?.missed ?? 0) * FRAME_MS,
    concealedMs: (proof?.concealed ?? 0) * FRAME_MS,
    reason: proof?.reason ?? null,
    levelDbfs: proof?.levelDbfs ?? null,
    amplifierA: proof?.amplifierA ?? null,
  };
}
