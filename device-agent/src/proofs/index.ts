export { draftBrokenOff } from './broken-off.ts';
export { ProgressKeeper } from './progress-keeper.ts';
export { ProofDesk } from './proof-desk.ts';
