import { expect, test } from 'vitest';
import { BenchBoard } from '../testing/bench-board.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { Amplifier } from './amplifier.ts';
import { findFaults } from './faults.ts';
import { StatusReporter } from './status-reporter.ts';

const playing = { broadcastId: 'ab'.repeat(16), kind: 'item' as const };

function makeAmplifier(board: BenchBoard): { clock: HandClock; amplifier: Amplifier } {
  const clock = new HandClock();
  return { clock, amplifier: new Amplifier(board, clock, () => undefined) };
}

test('the amplifier is on while something sounds, and muted half a second after the last sample', () => {
  const board = new BenchBoard();
  const { clock, amplifier } = makeAmplifier(board);
  amplifier.sounding(playing);
  expect(board.isAmplifierOn).toBe(true);
  clock.advance(5_000);
  amplifier.sounding(null);
  clock.advance(499);
  expect(board.isAmplifierOn).toBe(true);
  clock.advance(1);
  expect(board.isAmplifierOn).toBe(false);
});

test('a pause shorter than that does not switch it', () => {
  const board = new BenchBoard();
  const { clock, amplifier } = makeAmplifier(board);
  amplifier.sounding(playing);
  amplifier.sounding(null);
  clock.advance(300);
  amplifier.sounding(playing);
  clock.advance(2_000);
  expect(board.switchings).toEqual([true]);
});

test('it measures the mean current of each broadcast, and an amplifier that draws none is a fault', () => {
  const board = new BenchBoard();
  const { clock, amplifier } = makeAmplifier(board);
  amplifier.sounding(playing);
  clock.advance(3_000);
  expect(amplifier.meanA(playing.broadcastId)).toBe(0.5);
  expect(amplifier.hasFault).toBe(false);
  board.isAmplifierOn = false;
  clock.advance(4_000);
  expect(amplifier.hasFault).toBe(true);
});

test('faults are named from what the parts say', () => {
  const board = { ...new BenchBoard().read(), temperatureC: 95, hasMains: false };
  const conditions = {
    board,
    clockState: 'none' as const,
    isAmplifierFaulty: true,
    isDiskFull: true,
    hasSinkFailed: true,
    hasRtcFailed: true,
  };
  expect(findFaults(conditions)).toEqual([
    'amplifier-no-current',
    'overheated',
    'disk-full',
    'mains-lost',
    'sink-failed',
    'rtc-failed',
    'clock-unknown',
  ]);
  const unknown = { ...board, temperatureC: null, hasMains: null };
  expect(
    findFaults({
      board: unknown,
      clockState: 'hour-known',
      isAmplifierFaulty: false,
      isDiskFull: false,
      hasSinkFailed: false,
      hasRtcFailed: false,
    }),
  ).toEqual([]);
});

test('a status goes out every 30 s, and a storm of changes makes four a second at most', () => {
  const clock = new HandClock();
  let reports = 0;
  const reporter = new StatusReporter(clock, () => {
    reports += 1;
  });
  reporter.start();
  clock.advance(250);
  expect(reports).toBe(1);
  clock.advance(60_000);
  expect(reports).toBe(3);
  for (let index = 0; index < 1_000; index += 1) {
    reporter.changed();
    clock.advance(1);
  }
  expect(reports).toBeLessThanOrEqual(7);
  reporter.stop();
  reporter.changed();
  clock.advance(60_000);
  expect(reports).toBeLessThanOrEqual(7);
});
