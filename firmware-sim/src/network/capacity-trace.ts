import { drawBetween, drawExponential, drawNormal, seededRandom } from '../random.ts';

/** One delivery opportunity carries this much, in the format of mahimahi. */
export const MTU_BYTES = 1500;

/** When a link could deliver one packet of 1500 bytes each, within a period that repeats. */
export interface CapacityTrace {
  readonly opportunitiesMs: readonly number[];
  readonly periodMs: number;
}

/** An hour at 100 Mbit/s; a longer file is a mistake. */
const MAX_OPPORTUNITIES = 30_000_000;

/** Reads a trace in mahimahi's format: on each line the whole millisecond of one opportunity, never falling. */
export function parseCapacityTrace(text: string): CapacityTrace {
  const opportunitiesMs: number[] = [];
  let previousMs = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const value = line.trim();
    if (value === '') continue;
    const atMs = Number(value);
    if (!/^\d+$/.test(value) || atMs < previousMs) {
      throw new SyntaxError(
        `line ${index + 1}: "${value.slice(0, 40)}" is no millisecond from ${previousMs} on`,
      );
    }
    if (opportunitiesMs.length >= MAX_OPPORTUNITIES) throw new RangeError('the trace is too long');
    opportunitiesMs.push(atMs);
    previousMs = atMs;
  }
  if (previousMs === 0) throw new SyntaxError('the trace holds no opportunity after its start');
  return { opportunitiesMs, periodMs: previousMs };
}

export interface SyntheticTraceOptions {
  readonly seed: string;
  readonly seconds: number;
  readonly meanKbps: number;
  /** On average one outage in so many seconds; null: none. */
  readonly secondsBetweenOutages: number | null;
  readonly outageSeconds: number;
}

/** How long the radio keeps one rate. */
const STEP_MS = 100;
/** Each step the logarithm of the rate moves by so much, and is drawn back to its mean by so much of its distance. */
const WANDER = 0.25;
const RETURN = 0.05;

/**
 * Makes a trace that behaves like a mobile radio: a rate that wanders around its mean (an Ornstein-Uhlenbeck walk of
 * its logarithm), broken by outages of exponential length. A stand-in where no recorded trace is given.
 */
export function makeSyntheticTrace(options: SyntheticTraceOptions): CapacityTrace {
  const random = seededRandom(`trace ${options.seed}`);
  const periodMs = options.seconds * 1000;
  const opportunitiesMs: number[] = [];
  let logOfRate = 0;
  let outageEndsMs = 0;
  let owedBytes = 0;
  for (let atMs = 0; atMs < periodMs; atMs += STEP_MS) {
    logOfRate += WANDER * drawNormal(random) - RETURN * logOfRate;
    const betweenMs = (options.secondsBetweenOutages ?? Number.POSITIVE_INFINITY) * 1000;
    if (random.next() < STEP_MS / betweenMs) {
      outageEndsMs = atMs + options.outageSeconds * 1000 * drawExponential(random);
    }
    if (atMs < outageEndsMs) continue;
    owedBytes += (options.meanKbps * Math.exp(logOfRate) * STEP_MS) / 8;
    const packets = Math.floor(owedBytes / MTU_BYTES);
    owedBytes -= packets * MTU_BYTES;
    const within = Array.from({ length: packets }, () =>
      Math.floor(drawBetween(random, atMs, atMs + STEP_MS)),
    );
    opportunitiesMs.push(...within.toSorted((a, b) => a - b));
  }
  // The last line of a trace is its length: without it a trailing outage would be lost.
  opportunitiesMs.push(periodMs);
  return { opportunitiesMs, periodMs };
}
