import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { ClockReading } from './line.ts';

/** CLOCK_MONOTONIC in microseconds: one for all processes of the machine. */
export function readMonotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

const TRIES = 5;
/** Read closer together than this, the clocks count as read at once. */
const CLOSE_US = 1_000;
/** Read farther apart than this (the process was held up), they tell nothing of a sleep. */
const APART_US = 10_000;

/** Reads all clocks of the machine; the closest of a few readings. */
export function readClocks(): ClockReading {
  let best = readOnce();
  for (let tries = 1; tries < TRIES && best.widthUs > CLOSE_US; tries += 1) {
    const next = readOnce();
    if (next.widthUs < best.widthUs) best = next;
  }
  const { wallUs, monotonicUs, bootUs, widthUs } = best;
  const apartUs = widthUs > APART_US ? null : bootUs - monotonicUs;
  return { bootId: readBootId(), wallUs, monotonicUs, apartUs };
}

function readOnce(): { wallUs: number; monotonicUs: number; bootUs: number; widthUs: number } {
  const beforeUs = readMonotonicUs();
  const wallMs = Date.now();
  const bootUs = uptime() * 1e6;
  const afterUs = readMonotonicUs();
  // The middle of the millisecond that is told, and of the two readings.
  return {
    wallUs: wallMs * 1000 + 500,
    monotonicUs: (beforeUs + afterUs) / 2,
    bootUs,
    widthUs: afterUs - beforeUs,
  };
}

/** Changes with each start of the machine. */
function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
