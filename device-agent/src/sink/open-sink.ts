import { mkdirSync } from 'node:fs';
import type { MediaTime } from '@loalang/shared';
import type { MonotonicClock } from '../clock/monotonic.ts';
import { openAlsaPcm, type HeldCard } from './alsa-pcm.ts';
import { AlsaSink } from './alsa-sink.ts';
import { PacedNullSink } from './paced-null-sink.ts';
import type { Sink } from './sink.ts';
import { WavSink } from './wav-sink.ts';

/** A sink as a plain value. */
export type SinkSettings =
  | { readonly kind: 'null' }
  /** Keeps the last hour of what is played, minute by minute. */
  | { readonly kind: 'wav'; readonly folder: string }
  /** `device` is ALSA's name of the card, `driftPpm` what was learnt of it before. */
  | { readonly kind: 'alsa'; readonly device: string; readonly driftPpm?: number | null };

export interface SinkSurroundings {
  readonly clock: MonotonicClock;
  readonly mediaTimeAt: (monotonicUs: number) => MediaTime | null;
  readonly raisePriority: () => Promise<boolean>;
  readonly heldCard: HeldCard;
  readonly onError: (error: unknown) => void;
}

const SEGMENT_MS = 60_000;
const KEEP_SEGMENTS = 60;

/** Makes the sink; it is started by whoever feeds it. */
export function openSink(settings: SinkSettings, around: SinkSurroundings): Sink {
  const { clock, mediaTimeAt, onError, raisePriority, heldCard } = around;
  switch (settings.kind) {
    case 'null':
      return new PacedNullSink({ clock });
    case 'wav':
      mkdirSync(settings.folder, { recursive: true });
      return new WavSink({
        folder: settings.folder,
        segmentMs: SEGMENT_MS,
        keepSegments: KEEP_SEGMENTS,
        clock,
        mediaTimeAt,
        onError,
      });
    case 'alsa':
      return new AlsaSink({
        device: settings.device,
        initialDriftPpm: settings.driftPpm ?? null,
        clock,
        raisePriority,
        openPcm: (device, bufferFrames) => openAlsaPcm(device, bufferFrames, heldCard),
      });
  }
}
