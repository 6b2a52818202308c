import type { ClockState, Status } from '@loalang/shared';
import type { BoardReading } from './board.ts';

type Fault = Status['faults'][number];

/** A sealed box in the sun is warm; above this the parts age by the week. */
const OVERHEATED_C = 80;

export interface Conditions {
  readonly board: BoardReading;
  readonly clockState: ClockState;
  readonly isAmplifierFaulty: boolean;
  readonly isDiskFull: boolean;
  readonly hasSinkFailed: boolean;
  readonly hasRtcFailed: boolean;
}

/** What is wrong with the receiver at this moment. */
export function findFaults(conditions: Conditions): Fault[] {
  const { board } = conditions;
  const findings: readonly (readonly [Fault, boolean])[] = [
    ['amplifier-no-current', conditions.isAmplifierFaulty],
    ['overheated', (board.temperatureC ?? 0) > OVERHEATED_C],
    ['disk-full', conditions.isDiskFull],
    ['mains-lost', board.hasMains === false],
    ['sink-failed', conditions.hasSinkFailed],
    ['rtc-failed', conditions.hasRtcFailed],
    ['clock-unknown', conditions.clockState === 'none'],
  ];
  return findings.filter(([, isThere]) => isThere).map(([fault]) => fault);
}
