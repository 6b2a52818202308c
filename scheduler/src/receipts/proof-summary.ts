import type { MediaTime, MissedReason, Proof } from '@loalang/shared';

/** What all proofs of one receiver for one broadcast say together; a restart in the middle gives two. */
export interface ProofSummary {
  readonly startedAt: MediaTime | null;
  readonly endedAt: MediaTime | null;
  /** Frames of 20 ms. */
  readonly played: number;
  readonly concealed: number;
  readonly missed: number;
  readonly reason: MissedReason | null;
  readonly levelDbfs: number | null;
  readonly amplifierA: number | null;
}

export type ProofPart = Pick<
  Proof,
  'startedAt' | 'endedAt' | 'frames' | 'reason' | 'levelDbfs' | 'amplifierA'
>;

/** Null where there is no proof. Level and current are those of the part that sounded longest. */
export function summarizeProofs(proofs: readonly ProofPart[]): ProofSummary | null {
  if (proofs.length === 0) return null;
  const longest = proofs.reduce((best, proof) => (heard(proof) > heard(best) ? proof : best));
  return {
    startedAt: pick(proofs, 'startedAt', Math.min),
    endedAt: pick(proofs, 'endedAt', Math.max),
    played: sum(proofs, 'played'),
    concealed: sum(proofs, 'concealed'),
    missed: sum(proofs, 'missed'),
    reason: proofs.find(({ reason }) => reason !== null)?.reason ?? null,
    levelDbfs: longest.levelDbfs,
    amplifierA: longest.amplifierA,
  };
}

function heard({ frames }: ProofPart): number {
  return frames.played + frames.concealed;
}

function sum(proofs: readonly ProofPart[], field: keyof ProofPart['frames']): number {
  return proofs.reduce((total, { frames }) => total + frames[field], 0);
}

function pick(
  proofs: readonly ProofPart[],
  field: 'startedAt' | 'endedAt',
  better: (a: number, b: number) => number,
): MediaTime | null {
  const times = proofs.map((proof) => proof[field]).filter((time) => time !== null);
  return times.find((time) => times.every((other) => better(time, other) === time)) ?? null;
}
