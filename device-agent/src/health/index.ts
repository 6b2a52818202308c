export { Amplifier } from './amplifier.ts';
export type { Board, BoardReading } from './board.ts';
export { findFaults } from './faults.ts';
export { LinuxBoard } from './linux-board.ts';
export { StatusReporter } from './status-reporter.ts';
