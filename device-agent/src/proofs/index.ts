export { draftBrokenOff, draftMissed, missedItems } from './missed.ts';
export { ProgressKeeper } from './progress-keeper.ts';
export { ProofDesk } from './proof-desk.ts';
