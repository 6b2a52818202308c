import { expect, test } from 'vitest';
import { radioWay } from './links.ts';
import { earliestArrivalsUs, lostFrames, type SentPacket } from './oracle.ts';

// A delivery of 1500 bytes each 10 ms, none from 200 to 500 ms, then again; 30 ms on the way.
const opportunitiesMs = Array.from({ length: 100 }, (_, index) => index * 10).filter(
  (ms) => ms < 200 || ms >= 500,
);
const radio = { profile: radioWay({ opportunitiesMs, periodMs: 1_000 }), fromUs: 0 };
const packet = (sentMs: number, latencyMs = 200): SentPacket => ({
  sentUs: sentMs * 1000,
  heardUs: (sentMs + latencyMs) * 1000,
  frames: 3,
  bytes: 300,
});
const arrivalsMs = (sentMs: readonly number[], outages: Parameters<typeof earliestArrivalsUs>[2] = []) =>
  earliestArrivalsUs(
    sentMs.map((ms) => packet(ms)),
    radio,
    outages,
  ).map((us) => us / 1000);

test('packets come with the next delivery of the radio, those of an outage with the first after it', () => {
  expect(arrivalsMs([100, 205, 300, 600])).toEqual([130, 530, 530, 630]);
});

test('a stalled link stands still, and everything comes as much later', () => {
  const stall = { kind: 'stall', fromUs: 110_000, untilUs: 410_000 } as const;
  expect(arrivalsMs([100, 150, 450], [stall])).toEqual([430, 440, 480]);
});

test('what a refusing link would have brought comes at its end', () => {
  const refusal = { kind: 'refuse', fromUs: 110_000, untilUs: 160_000 } as const;
  expect(arrivalsMs([50, 100, 150], [refusal])).toEqual([80, 160, 180]);
});

test('a frame is lost where its packet comes after its own moment', () => {
  const sent = [packet(100), packet(300)];
  expect(lostFrames(sent, [300_000, 530_000])).toEqual([false, false, false, true, true, false]);
});
