import type { Status } from '@loalang/shared';
import type { Rtc } from '../clock/index.ts';

/** What a board can tell of itself; null where it can't measure. */
export type BoardReading = Status['board'];

/** The hardware around the agent. */
export interface Board {
  readonly model: string;
  /** The maker's number, as on its label; null where it can't be read. */
  readonly serial: string | null;
  /** Its battery-backed clock; null where it has none. */
  readonly rtc: Rtc | null;
  read(): BoardReading;
  setAmplifier(isOn: boolean): void;
}
