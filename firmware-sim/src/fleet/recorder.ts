import { WavSink, type MonotonicClock, type Render, type Sink } from '@loalang/device-agent';
import type { Logger } from 'pino';
import type { ReferenceTime } from './reference-time.ts';

/** How much of what a receiver played is kept. */
export interface RecordingOptions {
  readonly segmentMs: number;
  readonly keepSegments: number;
  /** Silence is left out unless asked for: twenty silent receivers would write 160 GB a day. */
  readonly isSilenceKept?: boolean;
}

/** After the last sample that was not zero, recording goes on for so long: pauses do not tear a speech apart. */
const HOLD_US = 2_000_000;

/** A microphone at the loudspeaker: a sink that records what it is given, placed in true media time. */
export function makeRecorder(options: {
  folder: string;
  recording: RecordingOptions;
  clock: MonotonicClock;
  reference: ReferenceTime;
  log: Logger;
}): Sink {
  const { folder, recording, clock, reference, log } = options;
  const { segmentMs, keepSegments, isSilenceKept = false } = recording;
  let soundedAtUs = isSilenceKept ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const sink = new WavSink({
    folder,
    segmentMs,
    keepSegments,
    clock,
    // What has no time is not written.
    mediaTimeAt: (heardAtUs) => (heardAtUs - soundedAtUs > HOLD_US ? null : reference.at(heardAtUs)),
    onError: (error) => log.warn({ err: error }, 'a recording was not written'),
  });
  const listen =
    (render: Render): Render =>
    (heardAtUs, out) => {
      render(heardAtUs, out);
      if (!isSilenceKept && out.some((sample) => sample !== 0)) soundedAtUs = heardAtUs;
    };
  return {
    kind: sink.kind,
    start: async (render) => sink.start(listen(render)),
    close: async () => sink.close(),
  };
}
