import {
  addMs,
  MAX_ACOUSTIC_OFFSET_MS,
  MAX_STREAMS,
  type LiveStream,
  type MediaTime,
  type Now,
} from '@loalang/shared';

/** A broadcast that was stopped by hand on one receiver. */
export interface StoppedBroadcast {
  readonly id: string;
  /** When it would have ended. */
  readonly endAt: MediaTime;
  readonly stoppedAt: MediaTime;
}

export interface NowContent {
  readonly streams: readonly LiveStream[];
  readonly stopped: readonly string[];
  readonly volume: number;
  readonly isMuted: boolean;
  readonly certificates: readonly string[];
}

/**
 * A receiver's clock may lag by 2 s, a stream by 10 s of latency, and a receiver may sound 2 s later: so long a stop is
 * told beyond the planned end.
 */
const TOLD_BEYOND_END_MS = 12_000 + MAX_ACOUSTIC_OFFSET_MS;
const MAX_STOPPED = 500;

/** What one receiver shall know of this moment: what is on air for it and what must not sound though it may hold it. */
export function nowDevice(input: {
  streams: readonly LiveStream[];
  stopped: readonly StoppedBroadcast[];
  volume: number;
  isMuted: boolean;
  certificates: readonly string[];
  now: MediaTime;
}): NowContent {
  const { now, volume, isMuted, certificates } = input;
  const streams = input.streams
    .filter(({ expiresAt }) => expiresAt > now)
    .toSorted((a, b) => b.startAt - a.startAt || (a.id < b.id ? -1 : 1))
    .slice(0, MAX_STREAMS);
  const stopped = input.stopped
    .filter(({ endAt }) => addMs(endAt, TOLD_BEYOND_END_MS) > now)
    .toSorted((a, b) => b.stoppedAt - a.stoppedAt || (a.id < b.id ? -1 : 1))
    .slice(0, MAX_STOPPED)
    .map(({ id }) => id);
  return { streams, stopped, volume, isMuted, certificates };
}

/** Does the receiver need a new revision? Not because a stop that it knows has become needless. */
export function isNowChanged(held: Now | null, wanted: NowContent): boolean {
  if (held === null) return true;
  const known = new Set(held.stopped);
  return wanted.stopped.some((id) => !known.has(id)) || fingerprint(held) !== fingerprint(wanted);
}

function fingerprint({ streams, volume, isMuted, certificates }: Omit<NowContent, 'stopped'>): string {
  const announced = streams.map(({ id, title, priority, startAt, latencyMs, expiresAt, key }) => [
    id,
    title,
    priority,
    startAt,
    latencyMs,
    expiresAt,
    key,
  ]);
  return JSON.stringify([announced, volume, isMuted, certificates]);
}
