export { Agent } from './agent.ts';
export { ClockExchange, ClockFilter, DeviceClock, RtcKeeper, systemClock } from './clock/index.ts';
export type {
  ClockSample,
  KeptTime,
  MonotonicClock,
  Rtc,
  RtcDrift,
  RtcReading,
  Timeline,
  Timer,
} from './clock/index.ts';
export { LinuxBoard } from './health/index.ts';
export type { Board, BoardReading } from './health/index.ts';
export type { AgentOptions } from './options.ts';
export { DeviceLine, PacedNullSink, WavSink } from './sink/index.ts';
export type { Render, Sink, WavSinkOptions } from './sink/index.ts';
export { Playout, Steering } from './playout/index.ts';
export type {
  NowState,
  PlayableItem,
  Playing,
  PlayoutOptions,
  Progress,
  ProofDraft,
  Span,
} from './playout/index.ts';
