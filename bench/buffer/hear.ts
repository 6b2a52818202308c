import { createOpusEncoder } from '@loalang/shared/opus';
import { systemClock } from '@loalang/device-agent';
import type { DirectionProfile } from '@loalang/firmware-sim';
import { speechFrames } from '../material/speech-frames.ts';
import { Listener } from './listener.ts';
import { eventsWithin, radioWay, type BufferLink } from './links.ts';
import { earliestArrivalsUs, lostFrames, type Outage } from './oracle.ts';
import { BenchPlatform } from './platform.ts';
import { speak, until, Voice } from './voice.ts';

/** What one receiver heard of one stream, beside what the link would have let a perfect one hear. */
export interface Heard {
  readonly link: string;
  readonly latencyMs: number;
  readonly asksRepair: boolean;
  readonly streamMs: number;
  /** By its proof: concealed and missed. */
  readonly concealedMs: number;
  readonly oracleMs: number;
  /** Digital silence at its sink between the first sound and the last, and the longest stretch of it. */
  readonly silentMs: number;
  readonly longestSilenceMs: number;
  /** How late the speaker was at worst: a machine that stands still is no network. */
  readonly lagMs: number;
}

const FRAME_MS = 20;
/** From the first packet until the radio begins: everybody listens. */
const LEAD_IN_S = 3;
/** Until all receivers know the time, and until all proofs are there. */
const READY_WITHIN_S = 60;
const PROOF_WITHIN_S = 60;
const LOOK_EVERY_US = 200_000;

interface Seat {
  readonly listener: Listener;
  readonly voice: Voice;
  readonly latencyMs: number;
  readonly asksRepair: boolean;
}

/** One link in real time: for each latency a stream, with a receiver that asks for repair and one that doesn't. */
export async function hear(
  link: BufferLink,
  latenciesMs: readonly number[],
  seconds: number,
): Promise<Heard[]> {
  const platform = await BenchPlatform.start();
  const frames = await encodeSpeech();
  const listeners = latenciesMs.flatMap((_, index) =>
    [true, false].map((asks, second) => new Listener(platform, 2 * index + second, asks)),
  );
  try {
    await Promise.all(listeners.map(async (listener) => await listener.start()));
    await eventually('in step', READY_WITHIN_S, () =>
      listeners.every(({ deviceId }) => platform.statuses.get(deviceId)?.clock.state === 'in-step'),
    );
    const seats = await goLive(platform, listeners, latenciesMs, seconds);
    const lagMs = await goThrough(link, seats, frames, seconds);
    await eventually('proofs', PROOF_WITHIN_S, () =>
      listeners.every(({ deviceId }) => platform.proofs.has(deviceId)),
    );
    return seats.map((seat) => judge(platform, { link, seconds, lagMs }, seat));
  } finally {
    await Promise.all(listeners.map(async (listener) => await listener.close()));
    await platform.close();
  }
}

async function goLive(
  platform: BenchPlatform,
  listeners: readonly Listener[],
  latenciesMs: readonly number[],
  seconds: number,
): Promise<Seat[]> {
  const voices = latenciesMs.map((latencyMs) => new Voice(platform, latencyMs, seconds + 2 * LEAD_IN_S));
  const seats = voices.flatMap((voice, index) =>
    listeners.slice(2 * index, 2 * index + 2).map((listener, second) => {
      return { listener, voice, latencyMs: voice.stream.latencyMs, asksRepair: second === 0 };
    }),
  );
  for (const { listener, voice } of seats) await platform.announce(listener.deviceId, voice.stream);
  await until(systemClock.nowUs() + 1e6);
  return seats;
}

async function goThrough(
  link: BufferLink,
  seats: readonly Seat[],
  frames: readonly Uint8Array[],
  seconds: number,
): Promise<number> {
  const startUs = systemClock.nowUs();
  const voices = [...new Set(seats.map(({ voice }) => voice))];
  const endUs = startUs + (LEAD_IN_S + seconds) * 1e6;
  const suffering = seats.map(async ({ listener, latencyMs }) => {
    await until(startUs + LEAD_IN_S * 1e6);
    listener.beginRadio(link);
    await listener.suffer(eventsWithin(link.events, seconds));
    await until(endUs + latencyMs * 1000);
    listener.endRadio();
  });
  const [lagMs] = await Promise.all([speak(voices, frames, LEAD_IN_S + seconds), ...suffering]);
  return lagMs;
}

function judge(
  platform: BenchPlatform,
  { link, seconds, lagMs }: { link: BufferLink; seconds: number; lagMs: number },
  seat: Seat,
): Heard {
  const { listener, voice, latencyMs, asksRepair } = seat;
  const proof = platform.proofs.get(listener.deviceId);
  if (proof?.broadcastId !== voice.stream.id) throw new Error(`${listener.deviceId} proves another stream`);
  const lost = lostFrames(
    voice.sent,
    earliestArrivalsUs(voice.sent, radioOf(link), outagesOf(link, seconds)),
  );
  return {
    link: link.name,
    latencyMs,
    asksRepair,
    streamMs: lost.length * FRAME_MS,
    concealedMs: Math.max(0, lost.length - proof.frames.played) * FRAME_MS,
    oracleMs: lost.filter(Boolean).length * FRAME_MS,
    silentMs: listener.sink.silencesMs.reduce((sum, ms) => sum + ms, 0),
    longestSilenceMs: Math.max(0, ...listener.sink.silencesMs),
    lagMs,
  };
}

function radioOf({ down }: BufferLink): { profile: DirectionProfile; fromUs: number } {
  return { profile: radioWay(down), fromUs: LEAD_IN_S * 1e6 };
}

function outagesOf({ events }: BufferLink, seconds: number): Outage[] {
  return eventsWithin(events, seconds).map(({ kind, atS, forMs }) => {
    const fromUs = (LEAD_IN_S + atS) * 1e6;
    return { kind, fromUs, untilUs: fromUs + forMs * 1000 };
  });
}

async function encodeSpeech(): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder();
  const frames = speechFrames(500).map((frame) => encoder.encode(frame));
  encoder.close();
  return frames;
}

async function eventually(what: string, withinS: number, holds: () => boolean): Promise<void> {
  const untilUs = systemClock.nowUs() + withinS * 1e6;
  while (!holds()) {
    if (systemClock.nowUs() > untilUs) throw new Error(`did not happen in ${withinS} s: ${what}`);
    await until(systemClock.nowUs() + LOOK_EVERY_US);
  }
}
