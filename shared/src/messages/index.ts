export * from './command.ts';
export * from './ids.ts';
export * from './link.ts';
export * from './now.ts';
export * from './plan.ts';
export * from './proof.ts';
export * from './status.ts';
