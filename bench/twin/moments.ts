// What a day of steady play does not show: the first seconds, the seconds after an outage, an hour alone, asymmetry.
import {
  drawBetween,
  seededRandom,
  TwinReceiver,
  type NetworkProfile,
  type Stall,
} from '@loalang/firmware-sim';
import { way } from './cases.ts';

const WITHIN_US = 5_000;
const LOOK_EACH_US = 50_000;
export const COLD_LOOK_EACH_S = 0.5;

interface Look {
  readonly fromUs: number;
  readonly forUs: number;
}

/** Seconds after which a receiver was within 5 ms of the truth for good, counted from its start. */
export function coldStartS(seed: string): number {
  return outOfStepS(seed, [], { fromUs: 0, forUs: 120e6 });
}

/** How far a receiver was from the truth in its first minute, one figure each `COLD_LOOK_EACH_S`; infinite while silent. */
export function coldStartErrorsMs(seed: string): number[] {
  const receiver = start(seed, symmetric(seed), [], 61e6);
  return Array.from({ length: 60 / COLD_LOOK_EACH_S + 1 }, (_, look) => {
    receiver.runUntil(look * COLD_LOOK_EACH_S * 1e6);
    return Math.abs(receiver.errorUs() ?? Infinity) / 1000;
  });
}

/** As `coldStartS`, counted from the end of an outage of a minute that comes within the first quarter of an hour. */
export function afterOutageS(seed: string): number {
  const fromUs = drawBetween(seededRandom(`outage ${seed}`), 60e6, 900e6);
  const outage = { fromUs, forUs: 60e6 };
  return outOfStepS(seed, [outage], { fromUs: fromUs + 60e6, forUs: 120e6 });
}

/** The largest error in an hour without any exchange, after an hour with, milliseconds. */
export function holdoverMs(seed: string): number {
  const receiver = start(seed, symmetric(seed), [{ fromUs: 3_600e6, forUs: 3_600e6 }], 7_200e6);
  let worstUs = 0;
  for (let atUs = 3_600e6; atUs <= 7_200e6; atUs += 10e6) {
    receiver.runUntil(atUs);
    worstUs = Math.max(worstUs, Math.abs(receiver.errorUs() ?? Infinity));
  }
  return worstUs / 1000;
}

/** How much later a receiver plays for each millisecond that its way up takes longer than its way down. */
export function asymmetrySlope(seed: string): number {
  const meanErrorMs = (moreUpMs: number): number => {
    const profile = { up: way(25 + moreUpMs, 8), down: way(25, 8) };
    const receiver = start(seed, profile, [], 3_600e6);
    let sumUs = 0;
    for (let look = 1; look <= 300; look += 1) {
      receiver.runUntil(600e6 + look * 10e6);
      sumUs += receiver.errorUs() ?? NaN;
    }
    return sumUs / 300 / 1000;
  };
  return (meanErrorMs(20) - meanErrorMs(0)) / 20;
}

function outOfStepS(seed: string, outages: readonly Stall[], { fromUs, forUs }: Look): number {
  const receiver = start(seed, symmetric(seed), outages, fromUs + forUs);
  let lastOutUs = fromUs;
  for (let atUs = fromUs; atUs <= fromUs + forUs; atUs += LOOK_EACH_US) {
    receiver.runUntil(atUs);
    if (Math.abs(receiver.errorUs() ?? Infinity) > WITHIN_US) lastOutUs = atUs;
  }
  return (lastOutUs - fromUs) / 1e6;
}

function start(
  seed: string,
  profile: NetworkProfile,
  outages: readonly Stall[],
  durationUs: number,
): TwinReceiver {
  const receiver = new TwinReceiver({ seed, durationUs, link: { profile, outages }, isSounding: true });
  receiver.start();
  return receiver;
}

/** Round trips of 20 to 180 ms at least, the same both ways, with the jitter of a radio on top. */
function symmetric(seed: string): NetworkProfile {
  const delayMs = drawBetween(seededRandom(`distance ${seed}`), 10, 90);
  return { up: way(delayMs, 8), down: way(delayMs, 10) };
}
