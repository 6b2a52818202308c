import { createOpusDecoder, createOpusEncoder, FRAME_SAMPLES, type OpusEncoder } from '@loalang/shared/opus';
import { median, report } from './measure/report.ts';
import { speechFrames } from './material/speech-frames.ts';

const ROUNDS = 9;
const FRAMES_A_ROUND = 500;

/** Both encoders over the same speech, in turns, so that what disturbs the machine disturbs both. */
const frames = speechFrames(FRAMES_A_ROUND);
const native = await createOpusEncoder({ prefer: 'node-opus' });
const wasm = await createOpusEncoder({ prefer: 'libopus-wasm' });
const decoder = await createOpusDecoder();
const packets = frames.map((frame) => native.encode(frame));

const rounds = Array.from({ length: ROUNDS }, () => ({
  encodeNativeUs: encodeUs(native),
  encodeWasmUs: encodeUs(wasm),
  decodeWasmUs: timeUs(() => packets.forEach((packet) => decoder.decode(packet))),
}));

function encodeUs(encoder: OpusEncoder): number {
  return timeUs(() => frames.forEach((frame) => encoder.encode(frame)));
}

function timeUs(work: () => void): number {
  const begin = performance.now();
  work();
  return ((performance.now() - begin) * 1000) / FRAMES_A_ROUND;
}

report('codec', {
  library: native.library,
  frameSamples: FRAME_SAMPLES,
  encodeNativeUs: median(rounds.map((round) => round.encodeNativeUs)),
  encodeWasmUs: median(rounds.map((round) => round.encodeWasmUs)),
  decodeWasmUs: median(rounds.map((round) => round.decodeWasmUs)),
  wasmVsNative: median(rounds.map((round) => round.encodeWasmUs / round.encodeNativeUs)),
});
