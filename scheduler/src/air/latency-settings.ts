/**
 * How long after its capture a word is heard: three settings to choose from, from what the receivers of a stream said of
 * the last ones. The same for all of them, so that neighbours stay in step. Pure.
 */
import { CANDIDATE_LATENCIES_MS, MAX_LATENCY_MS, type LatencySetting } from '@loalang/shared';

/** What is known of a receiver over the last streams. */
export interface ReceiverLateness {
  readonly packets: number;
  /** Late packets at each candidate latency; none where the list ends. */
  readonly late: readonly number[];
}
export type LatencySettings = Readonly<Record<LatencySetting, number>>;

/** Used where nothing else is asked for. */
export const RECOMMENDED: LatencySetting = 'balanced';

/**
 * While too little is known, ms. Over recordings of LTE the latency that in hindsight loses 0.1 % of packets lies between
 * 0.8 and 1.7 s, ruled by outages: *fast* is below all of them, *balanced* in their middle, *sure* above them.
 */
const FIRST_SETTINGS: LatencySettings = { fast: 700, balanced: 1_200, sure: 2_500 };
/** A minute of packets of 60 ms: with fewer, one late packet would be more than *balanced* bears. */
const LEAST_PACKETS = 1_000;
/** Shares of late packets that are borne: a gap of 60 ms each 6 s, each minute, each 10 minutes. */
const BORNE = { fast: 0.01, balanced: 0.001, sure: 0.0001 } as const;
/** Outages longer than any that was seen will come: *sure* is never less than so many times *balanced*. */
const SURE_OVER_BALANCED = 1.5;
/** So many of the receivers have to be served: the worst links lose audio at any latency, and would slow all others. */
const SERVED = 0.9;
/** What a receiver has computed ahead (200 ms without real-time priority) comes on top of the way. */
const LEAST_MS = 400;

/** The settings for these receivers; they rise from *fast* to *sure*. */
export function settingsFor(receivers: readonly ReceiverLateness[]): LatencySettings {
  const known = receivers.filter(({ packets }) => packets >= LEAST_PACKETS);
  if (known.length === 0) return FIRST_SETTINGS;
  const balancedMs = servingMs(known, BORNE.balanced);
  const sureMs = Math.max(servingMs(known, BORNE.sure), balancedMs * SURE_OVER_BALANCED);
  return {
    fast: withinBounds(servingMs(known, BORNE.fast)),
    balanced: withinBounds(balancedMs),
    sure: withinBounds(sureMs),
  };
}

/** The lowest candidate at which enough of the receivers have no more late packets than is borne. */
function servingMs(known: readonly ReceiverLateness[], borne: number): number {
  const rising = known.map((each) => leastMs(each, borne)).toSorted((a, b) => a - b);
  return rising[Math.ceil(rising.length * SERVED) - 1] ?? MAX_LATENCY_MS;
}

function leastMs({ packets, late }: ReceiverLateness, borne: number): number {
  return CANDIDATE_LATENCIES_MS.find((_, index) => (late[index] ?? 0) <= packets * borne) ?? MAX_LATENCY_MS;
}

function withinBounds(latencyMs: number): number {
  return Math.round(Math.min(MAX_LATENCY_MS, Math.max(LEAST_MS, latencyMs)));
}
