export { assertNotQuiet, findAudience, type Audience } from './audience.ts';
export * as broadcastRepository from './broadcast-repository.ts';
export { Broadcasts, PLAY_NOW_LEAD_MS, type BroadcastsParts, type Stopped } from './broadcasts.ts';
