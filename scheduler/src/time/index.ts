export { LineFollower } from './line-follower.ts';
export { ManualClock } from './manual-clock.ts';
export { MediaClock, type Clock, type Timer } from './media-clock.ts';
export { signTime } from './signed-time.ts';
export { findTimeHealth } from './time-health.ts';
export { TimeService, type TimeConfig } from './time-service.ts';
