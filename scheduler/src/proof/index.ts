export { ProofIntake } from './proof-intake.ts';
export { listProofs, type StoredProof } from './proof-repository.ts';
