export { ClockFilter, MAX_ROUND_TRIP_US } from './clock-filter.ts';
export type { ClockEstimate, ClockSample } from './clock-filter.ts';
export { DeviceClock } from './device-clock.ts';
export type { ClockReading, KeptTime } from './device-clock.ts';
export { ClockExchange } from './exchange.ts';
export { systemClock } from './monotonic.ts';
export type { MonotonicClock, Timer } from './monotonic.ts';
export { mediaTimeOn } from './timeline.ts';
export type { MediaLine, Timeline } from './timeline.ts';
