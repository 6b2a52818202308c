import { FRAME_US } from '@loalang/shared/opus';
import { seededRandom, type DirectionProfile } from '@loalang/firmware-sim';
import { Shaper } from '../../firmware-sim/src/network/shaper.ts';

/** A packet as it leaves the platform. Times count from the first frame of its stream. */
export interface SentPacket {
  readonly sentUs: number;
  /** When its first frame must be heard. */
  readonly heardUs: number;
  readonly frames: number;
  readonly bytes: number;
}

/** A time in which a link let nothing through. */
export interface Outage {
  readonly kind: 'stall' | 'refuse';
  readonly fromUs: number;
  readonly untilUs: number;
}

/** A topic of 39 letters, its length, and the header of a publish of more than 127 bytes. */
const MQTT_BYTES = 44;

/**
 * When the bytes of each packet could arrive at the earliest: the link's own capacity given to nothing but the stream, in
 * order, with no connection to make again. While a link stalls its radio stands still, as the shaper's does; while it
 * refuses the radio goes on, and what would have come comes at its end.
 */
export function earliestArrivalsUs(
  sent: readonly SentPacket[],
  radio: { readonly profile: DirectionProfile; readonly fromUs: number },
  outages: readonly Outage[],
): number[] {
  const stalls = outages.filter(({ kind }) => kind === 'stall');
  const refusals = outages.filter(({ kind }) => kind === 'refuse');
  const shaper = new Shaper(radio.profile, seededRandom('oracle'));
  const flow = { lastReleaseUs: 0 };
  shaper.releaseAtUs(flow, 0, radio.fromUs);
  return sent.map(({ sentUs, bytes }) => {
    if (sentUs < radio.fromUs) return sentUs + radio.profile.delayMs * 1000;
    const atLinkUs = shaper.releaseAtUs(flow, bytes + MQTT_BYTES, toLinkUs(sentUs, stalls));
    const atUs = fromLinkUs(atLinkUs, stalls);
    return refusals.find(({ fromUs, untilUs }) => atUs >= fromUs && atUs < untilUs)?.untilUs ?? atUs;
  });
}

/** Frames that nobody could have had in time. */
export function lostFrames(sent: readonly SentPacket[], arrivalsUs: readonly number[]): boolean[] {
  return sent.flatMap(({ heardUs, frames }, packet) =>
    Array.from({ length: frames }, (_, index) => (arrivalsUs[packet] ?? 0) > heardUs + index * FRAME_US),
  );
}

function toLinkUs(atUs: number, stalls: readonly Outage[]): number {
  return stalls.reduce(
    (linkUs, { fromUs, untilUs }) => linkUs - Math.max(0, Math.min(atUs, untilUs) - fromUs),
    atUs,
  );
}

function fromLinkUs(linkUs: number, stalls: readonly Outage[]): number {
  return stalls.reduce(
    (atUs, { fromUs, untilUs }) => (atUs > fromUs ? atUs + untilUs - fromUs : atUs),
    linkUs,
  );
}
