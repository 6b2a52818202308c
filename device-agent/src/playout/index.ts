export type { Progress, ProofDraft } from './account.ts';
export type { PlayableItem } from './broadcast.ts';
export type { Gap } from './gaps.ts';
export type { Heard } from './monitor-ring.ts';
export type { NowState } from './line-up.ts';
export { Playout } from './playout.ts';
export type { Playing, PlayoutOptions } from './playout.ts';
export { Steering } from './steering.ts';
export type { Span } from './steering.ts';
