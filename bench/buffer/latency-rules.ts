import { mediaTime, type AudioPacket } from '@loalang/shared';
import { LatenessCounter } from '../../device-agent/src/lateness/lateness-counter.ts';
import { settingsFor, type LatencySettings } from '../../scheduler/src/air/latency-settings.ts';
import type { Arrival } from './arrivals.ts';

/** The share of packets that a stream may lose. */
const BORNE = 0.001;
/** Of the stream that is counted: the counts don't depend on it. */
const LATENCY_MS = 1_200;
const EPOCH_US = 1_000_000_000;
const FRAMES = [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)];

/** What the receiver's counters say of these arrivals. */
function count(arrivals: readonly Arrival[]) {
  const counter = new LatenessCounter(LATENCY_MS);
  arrivals.forEach(({ sentMs, onWayMs }, index) => {
    const sentUs = EPOCH_US + Math.round(sentMs * 1000);
    const packet: AudioPacket = {
      sequence: 3 * index,
      mediaTime: mediaTime(sentUs + LATENCY_MS * 1000),
      isLast: false,
      frames: FRAMES,
    };
    counter.count(packet, sentUs + onWayMs * 1000);
  });
  return counter.report('0'.repeat(32));
}

/** The platform's settings after these arrivals at one receiver: its own code from counter to setting. */
export function settingsAfter(arrivals: readonly Arrival[]): LatencySettings {
  return settingsFor([count(arrivals)]);
}

/** In hindsight: the lowest latency that loses no more than is borne. */
export function oracleMs(arrivals: readonly Arrival[]): number {
  const falling = arrivals.map(({ onWayMs }) => onWayMs).toSorted((a, b) => b - a);
  return Math.ceil(falling[Math.floor(falling.length * BORNE)] ?? 0);
}

export function latePercent(arrivals: readonly Arrival[], latencyMs: number): number {
  return (100 * arrivals.filter(({ onWayMs }) => onWayMs > latencyMs).length) / arrivals.length;
}

/** A latency that changes during the stream: its mean, and what was late. */
export interface Adaptive {
  readonly meanMs: number;
  readonly latePercent: number;
}

const BUCKET_MS = 20;
const BUCKETS = 500;
const QUANTILE = 0.95;
const FORGETTING = 0.983;
/** Delays are counted from the shortest of the last so many packets (2 s). */
const WINDOW = 33;

/**
 * A rule like NetEQ's: a histogram of the delay beyond the shortest of the last 2 s, in buckets of 20 ms, each packet
 * making all before it count 0.983 times as much; the latency is its 0.95 quantile. Learns from the first arrivals, is
 * judged on the rest, and goes on learning there.
 */
export function likeNetEq(learn: readonly Arrival[], judge: readonly Arrival[]): Adaptive {
  const all = [...learn, ...judge];
  const histogram = new Float64Array(BUCKETS);
  let [late, sumMs, latencyMs] = [0, 0, 0];
  all.forEach(({ onWayMs }, index) => {
    if (index >= learn.length) {
      late += onWayMs > latencyMs ? 1 : 0;
      sumMs += latencyMs;
    }
    const recent = all.slice(Math.max(0, index - WINDOW + 1), index + 1);
    const shortestMs = Math.min(...recent.map((each) => each.onWayMs));
    histogram.forEach((share, bucket) => (histogram[bucket] = share * FORGETTING));
    const bucket = Math.min(BUCKETS - 1, Math.floor((onWayMs - shortestMs) / BUCKET_MS));
    histogram[bucket] = (histogram[bucket] ?? 0) + 1 - FORGETTING;
    latencyMs = shortestMs + (quantileBucket(histogram) + 1) * BUCKET_MS;
  });
  return { meanMs: sumMs / judge.length, latePercent: (100 * late) / judge.length };
}

function quantileBucket(histogram: Float64Array): number {
  const wanted = QUANTILE * histogram.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  const found = histogram.findIndex((share) => (sum += share) >= wanted);
  return found === -1 ? BUCKETS - 1 : found;
}

/** Packets of a talkspurt: 1.2 s of speech. */
const SPURT = 20;

/**
 * The bound of Moon, Kurose and Towsley (1998): the lowest mean latency with which so many packets at most are late, when
 * the latency may be chosen anew for each talkspurt, all arrivals known. best[i] is the lowest sum of latencies over the
 * talkspurts so far with i late packets; a talkspurt that loses j has the (j + 1)th longest of its delays.
 */
export function moonBoundMs(arrivals: readonly Arrival[]): number {
  const mayLose = Math.floor(arrivals.length * BORNE);
  const spurts = Array.from({ length: Math.ceil(arrivals.length / SPURT) }, (_, index) =>
    arrivals
      .slice(index * SPURT, (index + 1) * SPURT)
      .map(({ onWayMs }) => onWayMs)
      .toSorted((a, b) => b - a),
  );
  let best = Array.from({ length: mayLose + 1 }, () => 0);
  for (const spurt of spurts) {
    best = best.map((_, lost) =>
      Math.min(...spurt.slice(0, lost + 1).map((delayMs, j) => (best[lost - j] ?? Infinity) + delayMs)),
    );
  }
  return Math.min(...best) / spurts.length;
}
