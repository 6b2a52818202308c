export * from './broadcasts.ts';
export * from './live-frames.ts';
export * from './live.ts';
export * from './people.ts';
