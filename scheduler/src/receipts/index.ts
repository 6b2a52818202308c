export { cellState, endFor, type CellInput } from './cell-state.ts';
export { summarizeProofs, type ProofSummary } from './proof-summary.ts';
export { makeReceipt } from './receipt.ts';
