import { createRequire } from 'node:module';
import { createOpusDecoder, createOpusEncoder } from '@loalang/shared/opus';
import { speechFrames } from '../material/speech-frames.ts';
import { median } from '../measure/report.ts';

const ROUNDS = 15;
const FRAMES_A_ROUND = 1_000;

interface NativeDecoder {
  decode(packet: Buffer): Buffer;
}

/** How much longer our decoder takes than node-opus, on the same frames, in turns. */
export async function decodeVsNodeOpus(): Promise<number> {
  const native = openNative();
  const ours = await createOpusDecoder();
  const encoder = await createOpusEncoder();
  const packets = speechFrames(FRAMES_A_ROUND).map((frame) => Buffer.from(encoder.encode(frame)));
  encoder.close();
  const round = (): number => {
    const oursMs = timeMs(() => packets.forEach((packet) => ours.decode(packet)));
    return oursMs / timeMs(() => packets.forEach((packet) => native.decode(packet)));
  };
  round();
  const ratio = median(Array.from({ length: ROUNDS }, round));
  ours.close();
  return ratio;
}

/** node-opus has no types; a decoder of another form fails in the first round. */
function openNative(): NativeDecoder {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { OpusEncoder } = createRequire(import.meta.url)('node-opus') as {
    OpusEncoder: new (sampleRate: number, channels: number) => NativeDecoder;
  };
  return new OpusEncoder(48_000, 1);
}

function timeMs(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}
