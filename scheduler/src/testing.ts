// What tests of this and other workspaces share.
export * from './database/testing.ts';
export { keepLine } from './testing/kept-line.ts';
export { ManualClock } from './time/index.ts';
