// What is spoken in the listening test: as it was encoded for the air, and as a perfect receiver decodes it.
import { spawnSync } from 'node:child_process';
import { openOggOpus, type OggOpusReader } from '@loalang/shared/ogg';
import { createOpusDecoder, createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { speechSamples } from '../speech.ts';

const SPEECH_GAIN = 0.5;
/** A soft wind under every voice: so no pause of the speaker is silent, and what is silent is a gap. */
const WIND = 0.03;

/** Speech in the wind; the seed and the pace make voices that are not like one another. */
export function voice(seconds: number, wordsPerMinute: number, seed: number): Float32Array {
  let state = seed;
  let wind = 0;
  return speechSamples(seconds, wordsPerMinute).map((sample) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    wind += 0.4 * (WIND * (state / 2 ** 31 - 1) - wind);
    return SPEECH_GAIN * sample + wind;
  });
}

/** A file of the library, and its samples. */
export interface Recorded {
  readonly open: () => OggOpusReader;
  readonly samples: Float32Array;
}

export async function record(samples: Float32Array): Promise<Recorded> {
  const input = new Uint8Array(samples.buffer);
  const raw = ['-f', 'f32le', '-ar', '48000', '-ac', '1', '-i', 'pipe:0'];
  const opus = ['-c:a', 'libopus', '-b:a', '48k', '-frame_duration', '20', '-f', 'ogg', 'pipe:1'];
  const done = spawnSync('ffmpeg', ['-v', 'error', ...raw, ...opus], { input, maxBuffer: 64 << 20 });
  if (done.status !== 0) throw new Error(done.stderr.toString());
  const bytes = Uint8Array.from(done.stdout);
  const open = (): OggOpusReader =>
    openOggOpus({
      size: bytes.byteLength,
      readAt: (offset, length) => bytes.subarray(offset, offset + length),
    });
  const reader = open();
  const { skipSamples } = reader.seek(0);
  const packets = Array.from(packetsOf(reader));
  return { open, samples: (await decode(packets)).subarray(skipSamples, skipSamples + samples.length) };
}

function* packetsOf(reader: OggOpusReader): Generator<Uint8Array> {
  for (let packet = reader.next(); packet !== null; packet = reader.next()) yield packet.slice();
}

/** Frames of a live stream, and what they are when none is lost. */
export interface Spoken {
  readonly frames: readonly Uint8Array[];
  readonly samples: Float32Array;
}

export async function speakLive(samples: Float32Array): Promise<Spoken> {
  const encoder = await createOpusEncoder({ bitrate: 32_000, application: 'voip' });
  const frames = Array.from({ length: Math.floor(samples.length / FRAME_SAMPLES) }, (_, index) =>
    encoder.encode(
      Int16Array.from(
        samples.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES),
        (sample) => sample * 32_767,
      ),
    ),
  );
  encoder.close();
  return { frames, samples: await decode(frames) };
}

async function decode(packets: readonly Uint8Array[]): Promise<Float32Array> {
  const decoder = await createOpusDecoder();
  const all = new Float32Array(packets.length * FRAME_SAMPLES);
  packets.forEach((packet, index) => all.set(decoder.decode(packet), index * FRAME_SAMPLES));
  decoder.close();
  return all;
}
