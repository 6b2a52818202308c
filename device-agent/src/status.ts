import type { Status } from '@loalang/shared';
import type { Core } from './core.ts';
import { findFaults } from './health/index.ts';
import { VERSION } from './version.ts';

/** As many as the message holds: the nearest ones. */
const MAX_CACHED = 200;

/** What the link adds to what the core knows. */
export interface StatusFrame {
  readonly deviceId: string;
  readonly session: string;
  readonly seq: number;
  readonly isProofDiskFull: boolean;
  readonly refused: Status['refused'];
}

/** The receiver's state at this moment. */
export function buildStatus(core: Core, frame: StatusFrame): Status {
  const clock = core.clock.reading(core.options.clock.nowUs());
  const board = core.options.board.read();
  const { playing, bufferMs, sinkFailure, isRealTime } = core.renderer.report;
  return {
    type: 'status',
    device: frame.deviceId,
    session: frame.session,
    seq: frame.seq,
    at: core.mediaNow(),
    version: VERSION,
    clock,
    plan: core.plan.held?.revision ?? null,
    now: core.now.held?.revision ?? null,
    cached: cachedBroadcasts(core),
    playing: playing === null ? null : { broadcastId: playing.broadcastId, kind: playing.kind },
    bufferMs,
    isRealTime,
    volume: core.now.held?.volume ?? 100,
    isMuted: core.now.held?.isMuted ?? false,
    board,
    faults: findFaults({
      board,
      clockState: clock.state,
      isAmplifierFaulty: core.amplifier.hasFault,
      isDiskFull: core.cache.isDiskFull || frame.isProofDiskFull,
      hasSinkFailed: sinkFailure !== null,
      hasRtcFailed: core.hasRtcFailed,
    }),
    refused: frame.refused,
  };
}

function cachedBroadcasts(core: Core): string[] {
  const now = core.mediaNow() ?? 0;
  return (core.plan.held?.items ?? [])
    .filter(
      ({ startAt, durationMs, asset }) => startAt + durationMs * 1000 > now && core.cache.has(asset.sha256),
    )
    .toSorted((a, b) => a.startAt - b.startAt)
    .slice(0, MAX_CACHED)
    .map(({ broadcastId }) => broadcastId);
}
