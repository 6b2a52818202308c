import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  makeSyntheticTrace,
  parseCapacityTrace,
  type CapacityTrace,
  type DirectionProfile,
  type NetworkProfile,
} from '@loalang/firmware-sim';

/** What happens to a link besides its radio, in seconds from the moment at which the radio begins. */
export interface Event {
  readonly atS: number;
  /** `stall`: nothing comes through; `refuse`: every connection is reset, and none is taken for so long. */
  readonly kind: 'stall' | 'refuse';
  readonly forMs: number;
}

export interface BufferLink {
  readonly name: string;
  readonly down: CapacityTrace;
  readonly up: CapacityTrace;
  readonly events: readonly Event[];
}

/** What lies between the radio and the platform. */
const BASE_DELAY_MS = 30;
const SYNTHETIC_SECONDS = 300;

/** Mobile radios that resemble recordings of LTE: two of them undisturbed, one with stalls, one with broken connections. */
function syntheticLinks(): BufferLink[] {
  const radio = (seed: string, secondsBetweenOutages: number): CapacityTrace =>
    makeSyntheticTrace({
      seed,
      seconds: SYNTHETIC_SECONDS,
      meanKbps: 4_000,
      secondsBetweenOutages,
      outageSeconds: 0.5,
    });
  const link = (name: string, secondsBetweenOutages: number, events: readonly Event[]): BufferLink => {
    const down = radio(name, secondsBetweenOutages);
    return { name, down, up: down, events };
  };
  return [
    link('synthetic-driving', 15, []),
    link('synthetic-calm', 60, []),
    link('synthetic-stalls', 60, each(20, 'stall', [700, 700, 3_000])),
    // A connection that broke before it was half a minute old is not tried again at once, so these lie further apart.
    link('synthetic-reconnects', 60, each(35, 'refuse', [500, 1_500, 1])),
  ];
}

function each(everyS: number, kind: Event['kind'], lengthsMs: readonly number[]): Event[] {
  const count = Math.floor(SYNTHETIC_SECONDS / everyS);
  return Array.from({ length: count }, (_, index) => ({
    atS: everyS * (index + 1),
    kind,
    forMs: lengthsMs[index % lengthsMs.length] ?? 0,
  }));
}

/** The synthetic links, then one for each recorded way down of the folder, with its way up where there is one. */
export function allLinks(folder: string | null): BufferLink[] {
  const recorded = folder === null ? [] : recordedLinks(folder);
  return [...syntheticLinks(), ...recorded];
}

function recordedLinks(folder: string): BufferLink[] {
  const files = readdirSync(folder).toSorted();
  const read = (file: string): CapacityTrace => parseCapacityTrace(readFileSync(join(folder, file), 'utf8'));
  return files
    .filter((file) => file.endsWith('.down'))
    .map((file) => {
      const name = file.slice(0, -'.down'.length);
      const down = read(file);
      return { name, down, up: files.includes(`${name}.up`) ? read(`${name}.up`) : down, events: [] };
    });
}

/** Those that are over when so many seconds of radio are. */
export function eventsWithin(events: readonly Event[], seconds: number): Event[] {
  return events.filter(({ atS, forMs }) => atS + forMs / 1000 <= seconds);
}

export function radioWay(trace: CapacityTrace): DirectionProfile {
  return { delayMs: BASE_DELAY_MS, jitter: { kind: 'none' }, capacity: { kind: 'trace', trace } };
}

const calmWay: DirectionProfile = {
  delayMs: BASE_DELAY_MS,
  jitter: { kind: 'none' },
  capacity: { kind: 'unlimited' },
};
/** While receivers join and set their clocks. */
export const calmNetwork: NetworkProfile = { up: calmWay, down: calmWay };
