import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BUSY_CARD,
  DMA_CARD,
  parseCapacityTrace,
  USB_CARD,
  type CardProfile,
  type DirectionProfile,
  type LinkStory,
  type NetworkProfile,
} from '@loalang/firmware-sim';

export interface Case {
  readonly name: string;
  readonly link: LinkStory;
  readonly card: CardProfile;
}

/** A radio never holds one packet longer than this without being called out. */
const MOST_JITTER_MS = 1_000;
/** What lies between a recorded radio and the platform. */
const BASE_DELAY_MS = 30;

const unlimited = { kind: 'unlimited' } as const;

export function way(delayMs: number, meanMs: number): DirectionProfile {
  const jitter = { kind: 'exponential', meanMs, maxMs: MOST_JITTER_MS } as const;
  return { delayMs, jitter, capacity: unlimited };
}

export const cleanLan: NetworkProfile = { up: way(0.3, 0.1), down: way(0.3, 0.1) };
/** As in the measurements of Snapcast on two virtual cards: 25 + exp(8) ms up, 30 + exp(10) ms down. */
export const likeLte: NetworkProfile = { up: way(25, 8), down: way(30, 10) };

/** A reader without priority on a busy machine: judged by itself, since what it shows is the reading. */
export const BUSY_CASE = 'lan-busy';
export const SYNTHETIC_CASES: readonly string[] = ['lan', 'lan-dma', BUSY_CASE, 'lte', 'stalls'];

/** The synthetic cases, then one for each recorded trace of the folder. */
export function allCases(traceFolder: string | null): Case[] {
  return [
    { name: 'lan', link: { profile: cleanLan }, card: USB_CARD },
    { name: 'lan-dma', link: { profile: cleanLan }, card: DMA_CARD },
    { name: BUSY_CASE, link: { profile: cleanLan }, card: BUSY_CARD },
    { name: 'lte', link: { profile: likeLte }, card: USB_CARD },
    { name: 'stalls', link: { profile: likeLte, stalls: { everyUs: 20e6, forUs: 700e3 } }, card: USB_CARD },
    ...(traceFolder === null ? [] : recordedCases(traceFolder)),
  ];
}

// In mahimahi's names `x.down` is the way to the receiver; `x.up`, where there is one, the way from it.
function recordedCases(folder: string): Case[] {
  const files = readdirSync(folder).toSorted();
  return files
    .filter((file) => file.endsWith('.down'))
    .map((file) => {
      const upFile = `${file.slice(0, -'.down'.length)}.up`;
      const down = recordedWay(join(folder, file));
      const up = files.includes(upFile) ? recordedWay(join(folder, upFile)) : down;
      return { name: file.slice(0, -'.down'.length), link: { profile: { up, down } }, card: USB_CARD };
    });
}

function recordedWay(path: string): DirectionProfile {
  const trace = parseCapacityTrace(readFileSync(path, 'utf8'));
  return { delayMs: BASE_DELAY_MS, jitter: { kind: 'none' }, capacity: { kind: 'trace', trace } };
}
