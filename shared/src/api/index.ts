export * from './broadcasts.ts';
export * from './devices.ts';
export * from './health.ts';
export * from './live-frames.ts';
export * from './live.ts';
export * from './people.ts';
