/** One line of an algorithm, broken: some test must notice. */
export interface Mutation {
  readonly file: string;
  /** Exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** The test that must fail. */
  readonly test: string;
  /** Why the line matters. */
  readonly why: string;
}

type Change = readonly [from: string, to: string, why: string];

/** Several mutations of one file that one test must notice. */
export const mutationsOf = (file: string, test: string, ...changes: readonly Change[]): Mutation[] =>
  changes.map(([from, to, why]) => ({ file, test, from, to, why }));
