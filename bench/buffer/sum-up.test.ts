import { expect, test } from 'vitest';
import type { Heard } from './hear.ts';
import { concealedFigures } from './sum-up.ts';

const heard = (asksRepair: boolean, concealedMs: number, oracleMs: number): Heard => ({
  link: 'a',
  latencyMs: 700,
  asksRepair,
  streamMs: 90_000,
  concealedMs,
  oracleMs,
  silentMs: 0,
  longestSilenceMs: 0,
  lagMs: 0,
});

test('losses are summed over the links of a run, and the middle run is reported with its spread', () => {
  const run = (concealedMs: number) => [
    heard(true, concealedMs, 100),
    heard(true, 0, 0),
    heard(false, 400, 100),
  ];
  expect(concealedFigures([run(120), run(100), run(300)])).toMatchObject({
    concealedVsOracle: 1.2,
    concealedVsOracleLeast: 1,
    concealedVsOracleMost: 3,
    concealedVsOracleNoRepair: 4,
    concealedMs: 120,
    oracleMs: 100,
  });
});

test('where nobody had to lose anything, one frame is what losses are compared with', () => {
  expect(concealedFigures([[heard(true, 60, 0), heard(false, 0, 0)]])).toMatchObject({
    concealedVsOracle: 3,
    concealedVsOracleNoRepair: 1,
  });
});
