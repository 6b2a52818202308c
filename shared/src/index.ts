export * from './api/index.ts';
export * from './audio-packet.ts';
export * from './errors.ts';
export * from './media-time.ts';
export * from './messages/index.ts';
export * from './permissions.ts';
export * from './policy.ts';
export * from './topics.ts';
