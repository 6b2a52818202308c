export * from './face.ts';
export { PLAY_NOW_LEAD_MS } from './broadcasts/index.ts';
export { openDatabase, type Database, type Db } from './database/index.ts';
export {
  ensureClientAuthority,
  loadKeys,
  readKeys,
  retireKeys,
  type PlatformKey,
  type PlatformKeys,
} from './keys/index.ts';
export { Library, type AudioRow } from './library/index.ts';
export { People } from './people/index.ts';
export { createScheduler, type SchedulerConfig } from './scheduler.ts';
export { LineFollower, MediaClock, TimeService, type TimeConfig } from './time/index.ts';
export { readSample, sampleSchema, Units, type Sample } from './units/index.ts';
