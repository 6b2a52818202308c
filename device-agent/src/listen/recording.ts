import { addUs, type MediaTime } from '@loalang/shared';
import { OggOpusWriter } from '@loalang/shared/ogg';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import type { Heard } from '../playout/index.ts';

const SAMPLES_PER_US = 0.048;
/** So many frames are encoded before the audio path gets its turn: 10 ms at most on a slow board. */
const FRAMES_A_TURN = 10;

/** Lays what was heard onto the span that was asked for: silence where the receiver had nothing. */
export function placeInSpan(heard: Heard | null, from: MediaTime, durationMs: number): Heard {
  const samples = new Float32Array(Math.round(durationMs * 1000 * SAMPLES_PER_US));
  if (heard === null) return { from, samples };
  const at = Math.round((heard.from - from) * SAMPLES_PER_US);
  const skipped = Math.max(0, -at);
  const start = Math.max(0, at);
  if (start < samples.length && skipped < heard.samples.length) {
    samples.set(heard.samples.subarray(skipped, skipped + samples.length - start), start);
  }
  return { from: addUs(from, 0), samples };
}

/** Encodes samples as one Ogg Opus file, letting others work in between. */
export async function encodeRecording(samples: Float32Array): Promise<Uint8Array> {
  const encoder = await createOpusEncoder({ application: 'audio' });
  try {
    const writer = new OggOpusWriter();
    const parts: Uint8Array[] = [writer.head()];
    // The encoder looks ahead; one frame more gives out what it still holds.
    const frames = Math.ceil(samples.length / FRAME_SAMPLES) + 1;
    for (let frame = 0; frame < frames; frame += 1) {
      const page = writer.add(encoder.encode(toPcm(samples, frame * FRAME_SAMPLES)));
      if (page !== null) parts.push(page);
      if (frame % FRAMES_A_TURN === FRAMES_A_TURN - 1) await nextTurn();
    }
    parts.push(writer.finish(frames * FRAME_SAMPLES - samples.length - LOOK_AHEAD_SAMPLES));
    return Buffer.concat(parts);
  } finally {
    encoder.close();
  }
}

/** What OggOpusWriter says as pre-skip: samples that come before the audio. */
const LOOK_AHEAD_SAMPLES = 312;

function toPcm(samples: Float32Array, from: number): Int16Array {
  const pcm = new Int16Array(FRAME_SAMPLES);
  const end = Math.min(FRAME_SAMPLES, samples.length - from);
  for (let index = 0; index < end; index += 1) {
    pcm[index] = Math.round(Math.max(-1, Math.min(1, samples[from + index] ?? 0)) * 32_767);
  }
  return pcm;
}

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
