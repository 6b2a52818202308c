import { allCases } from './cases.ts';
import { runPairs } from './pair-case.ts';
import type { Job } from './work.ts';

process.on('message', ({ caseName, seed, size, traces }: Job) => {
  const found = allCases(traces).find(({ name }) => name === caseName);
  if (found === undefined) throw new Error(`there is no case ${caseName}`);
  process.send?.(runPairs(found, seed, size));
});
