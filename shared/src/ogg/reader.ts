import { PacketCursor } from './cursor.ts';
import { openStream, packetSamples } from './open.ts';
import type { OpenedStream } from './open.ts';
import { findEntryPage } from './seek.ts';
import type { OggSource } from './source.ts';

export interface OggOpusInfo {
  /** Samples at 48 kHz that the decoder gives before the audio begins. */
  readonly preSkip: number;
  readonly channels: number;
  /** Samples at 48 kHz that are to be heard; what the last packet decodes beyond them is dropped. */
  readonly totalSamples: number;
  /** Gain that the file asks the player to apply (RFC 7845 §5.1); 0 in files of this project. */
  readonly outputGainDb: number;
}

/** Gives the packets of one file in order. Throws `OggError` at a damaged page, and goes on after a seek. */
export interface OggOpusReader {
  readonly info: OggOpusInfo;
  /**
   * Places the reader so that the next packets decode to `sample`, beginning 80 ms before it where there
   * is so much. `skipSamples` of what they decode to (pre-skip included) are to be dropped.
   */
  seek(sample: number): { skipSamples: number };
  /** The next packet, with bytes of its own; null at the end, or where the file is cut off. */
  next(): Uint8Array | null;
}

// RFC 7845 §4.6: a decoder that starts in the middle has converged after 80 ms.
const PRE_ROLL_SAMPLES = 3_840;

/** Opens one Ogg Opus stream, before its first packet; throws `OggError` for anything else. */
export function openOggOpus(source: OggSource): OggOpusReader {
  const stream = openStream(source);
  const cursor = new PacketCursor(source, stream.range);
  const info = describe(stream);
  return {
    info,
    next: () => cursor.next(),
    seek(sample) {
      if (!Number.isSafeInteger(sample) || sample < 0) {
        throw new RangeError(`Sample ${sample}; expected a whole number from 0`);
      }
      if (sample < info.totalSamples) return { skipSamples: seekTo(source, stream, cursor, sample) };
      cursor.toEnd();
      return { skipSamples: 0 };
    },
  };
}

function describe({ head, startGranule, endGranule }: OpenedStream): OggOpusInfo {
  return { ...head, totalSamples: Math.max(0, endGranule - startGranule - head.preSkip) };
}

function seekTo(source: OggSource, stream: OpenedStream, cursor: PacketCursor, sample: number): number {
  const target = stream.startGranule + stream.head.preSkip + sample;
  const latestStart = target - PRE_ROLL_SAMPLES;
  const entry = findEntryPage(source, stream.range, latestStart);
  if (entry === null) cursor.toStart();
  else cursor.toEndOf(entry.placed);
  let position = entry?.granule ?? stream.startGranule;
  for (let packet = cursor.peek(); packet !== null; packet = cursor.peek()) {
    const endPosition = position + packetSamples(packet);
    if (endPosition > latestStart) break;
    position = endPosition;
    cursor.next();
  }
  return target - position;
}
