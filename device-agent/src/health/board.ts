import type { Status } from '@loalang/shared';

/** What a board can tell of itself; null where it can't measure. */
export type BoardReading = Status['board'];

/** The hardware around the agent. */
export interface Board {
  readonly model: string;
  read(): BoardReading;
  setAmplifier(isOn: boolean): void;
}
