export { Air } from './air.ts';
export { LatenessIntake } from './lateness.ts';
export type { EndReason, LiveSession } from './live-session.ts';
export { OnAir } from './on-air.ts';
export { PacketHistory } from './packet-history.ts';
export { Repair } from './repair.ts';
