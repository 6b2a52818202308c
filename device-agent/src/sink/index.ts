export { PacedNullSink } from './paced-null-sink.ts';
export type { Render, Sink } from './sink.ts';
export { WavSink } from './wav-sink.ts';
export type { WavSinkOptions } from './wav-sink.ts';
