// One codec for the whole project: 48 kHz mono, 20 ms frames. Encoding uses the native build where
// there is one; decoding and concealment always use libopus compiled to WebAssembly.
export { FRAME_SAMPLES, FRAME_US, OpusPacketError, SAMPLE_RATE, opusPacketDurationUs } from './packet.ts';
export { createOpusDecoder } from './decoder.ts';
export type { OpusDecoder } from './decoder.ts';
export { createOpusEncoder } from './encoder.ts';
export type { OpusEncoder, OpusEncoderOptions, OpusLibrary } from './encoder.ts';
export { isNodeOpusBuilt } from './node-opus.ts';
