import type { Arrival } from './arrivals.ts';

const PACKET_MS = 60;
/** What is heard as an interruption, not as a flaw. */
const INTERRUPTION_MS = 150;

/** Interarrival jitter (RFC 3550 §6.4.1, appendix A.8), ms: the mean of the running estimate. */
export function rfc3550JitterMs(arrivals: readonly Arrival[]): number {
  let [jitterMs, sumMs] = [0, 0];
  arrivals.forEach(({ onWayMs }, index) => {
    const before = arrivals[index - 1];
    if (before !== undefined) jitterMs += (Math.abs(onWayMs - before.onWayMs) - jitterMs) / 16;
    sumMs += jitterMs;
  });
  return sumMs / arrivals.length;
}

/** Packet delay variation (RFC 5481 §4.2): the delay beyond the lowest; its 0.99 quantile, ms. */
export function pdvP99Ms(arrivals: readonly Arrival[]): number {
  const lowestMs = arrivals.reduce((low, { onWayMs }) => Math.min(low, onWayMs), Infinity);
  return p99(arrivals.map(({ onWayMs }) => onWayMs - lowestMs));
}

/** Inter-packet delay variation (RFC 5481 §4.1): the change from one packet to the next, without sign; its 0.99 quantile, ms. */
export function ipdvP99Ms(arrivals: readonly Arrival[]): number {
  const changes = arrivals
    .slice(1)
    .map(({ onWayMs }, index) => Math.abs(onWayMs - (arrivals[index]?.onWayMs ?? 0)));
  return p99(changes);
}

/** Stretches of late packets that last 150 ms and more at this latency: how many, and the longest of all stretches. */
export function interruptions(
  arrivals: readonly Arrival[],
  latencyMs: number,
): { count: number; longestMs: number } {
  let [count, longestMs, runMs] = [0, 0, 0];
  for (const { onWayMs } of arrivals) {
    const wasShort = runMs < INTERRUPTION_MS;
    runMs = onWayMs > latencyMs ? runMs + PACKET_MS : 0;
    if (wasShort && runMs >= INTERRUPTION_MS) count += 1;
    longestMs = Math.max(longestMs, runMs);
  }
  return { count, longestMs };
}

function p99(figures: readonly number[]): number {
  const rising = figures.toSorted((a, b) => a - b);
  return rising[Math.min(rising.length - 1, Math.floor(rising.length * 0.99))] ?? Number.NaN;
}
