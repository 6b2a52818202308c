export { AssetCache, DEFAULT_MAX_CACHE_BYTES } from './asset-cache.ts';
export { openAssetFile } from './asset-file.ts';
export type { AssetFile } from './asset-file.ts';
export { isDiskFull, writeAtomically } from './atomic-file.ts';
export { Ledger, MAX_COMMANDS, MAX_PROOFS } from './ledger.ts';
export type { HeldProof } from './ledger.ts';
export type { Progress } from './ledger-records.ts';
export { finishWiping, markForWiping } from './wiping.ts';
export { heldNow, heldPlan, HeldMessage } from './plan-store.ts';
