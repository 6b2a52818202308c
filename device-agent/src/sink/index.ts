export { AlsaSink } from './alsa-sink.ts';
export type { AlsaSinkOptions } from './alsa-sink.ts';
export { PacedNullSink } from './paced-null-sink.ts';
export type { OnSinkHealth, Render, Sink } from './sink.ts';
export { WavSink } from './wav-sink.ts';
export type { WavSinkOptions } from './wav-sink.ts';
export { openSink } from './open-sink.ts';
export type { SinkSettings } from './open-sink.ts';
export { takeRealTimePriority } from './real-time.ts';
