export { Air } from './air.ts';
export type { EndReason, LiveSession } from './live-session.ts';
export { OnAir } from './on-air.ts';
