import { seededRandom, type Random } from '@loalang/firmware-sim';
import { Shaper } from '../../firmware-sim/src/network/shaper.ts';
import { radioWay, type BufferLink } from './links.ts';

/** Packets of a stream over one link, computed: when each was sent, and how long it was on its way. */
export interface Arrival {
  readonly sentMs: number;
  readonly onWayMs: number;
}

const PACKET_MS = 60;
/** A packet of three frames with topic and signature, at 24 kbit/s. */
const PACKET_BYTES = 310;

/**
 * A stream through one whole round of a trace that begins anywhere in it, its packets at a drawn phase; stalls hold up what
 * is on its way, and come again with each round.
 */
export function arrivalsOver(
  link: BufferLink,
  { seed, startMs }: { seed: string; startMs: number },
): Arrival[] {
  const random: Random = seededRandom(`phase ${seed}`);
  const phaseMs = startMs + random.next() * PACKET_MS;
  const shaper = new Shaper(radioWay(link.down), random);
  const flow = { lastReleaseUs: 0 };
  shaper.releaseAtUs(flow, 0, 0);
  const count = Math.floor(link.down.periodMs / PACKET_MS);
  let lastMs = 0;
  return Array.from({ length: count }, (_, index) => {
    const sentMs = phaseMs + index * PACKET_MS;
    const arrivedMs = shaper.releaseAtUs(flow, PACKET_BYTES, sentMs * 1000) / 1000;
    lastMs = Math.max(lastMs, afterOutages(link, arrivedMs));
    return { sentMs, onWayMs: lastMs - sentMs };
  });
}

function afterOutages({ events, down: { periodMs } }: BufferLink, atMs: number): number {
  const roundMs = atMs - (atMs % periodMs);
  const hit = events.find(
    ({ atS, forMs }) => atMs >= roundMs + atS * 1000 && atMs < roundMs + atS * 1000 + forMs,
  );
  return hit === undefined ? atMs : roundMs + hit.atS * 1000 + hit.forMs;
}
