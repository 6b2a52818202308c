import { expect, inject, test } from 'vitest';
import { seededRandom } from '../random.ts';
import type { NetworkProfile } from '../network/profile.ts';
import { BUSY_CARD, DMA_CARD, USB_CARD } from './card-reader.ts';
import { CHEAP_CRYSTAL, Oscillator } from './oscillator.ts';
import { PairErrors } from './pair-errors.ts';
import { TwinLink } from './twin-link.ts';
import { TwinReceiver, type TwinOptions } from './twin-receiver.ts';
import { BoardClock, VirtualTime } from './virtual-time.ts';

const HOUR_US = 3_600e6;

function way(delayMs: number, meanMs: number): NetworkProfile['up'] {
  return {
    delayMs,
    jitter: { kind: 'exponential', meanMs, maxMs: 1_000 },
    capacity: { kind: 'unlimited' },
  };
}
const likeLte: NetworkProfile = { up: way(25, 8), down: way(30, 10) };

function start(options: Partial<TwinOptions> & { seed: string }): TwinReceiver {
  const receiver = new TwinReceiver({
    durationUs: 2 * HOUR_US,
    link: { profile: likeLte },
    isSounding: true,
    ...options,
  });
  receiver.start();
  return receiver;
}

/** Errors each ten seconds, NaN while the hour is not known. */
function errors(receiver: TwinReceiver, fromUs: number, toUs: number): number[] {
  const seen: number[] = [];
  for (let atUs = fromUs; atUs <= toUs; atUs += 10e6) {
    receiver.runUntil(atUs);
    seen.push(receiver.errorUs() ?? NaN);
  }
  return seen;
}

test('what is due happens in order of time, then in the order in which it was asked for', () => {
  const time = new VirtualTime();
  const happened: string[] = [];
  time.at(20, () => happened.push(`late ${time.nowUs}`));
  time.at(10, () => happened.push(`first ${time.nowUs}`));
  time.at(10, () => time.at(10, () => happened.push(`third ${time.nowUs}`)));
  time.at(10, () => happened.push(`second ${time.nowUs}`));
  time.at(15, () => happened.push('never')).cancel();
  time.at(31, () => happened.push('not yet'));
  time.runUntil(30);
  expect(happened).toEqual(['first 10', 'second 10', 'third 10', 'late 20']);
  expect(time.nowUs).toBe(30);
});

test('a timer of a board is as wrong as its crystal', () => {
  const time = new VirtualTime();
  const crystal = new Oscillator({
    random: seededRandom('a'),
    durationUs: HOUR_US,
    factoryPpm: 40,
    dailyPpm: 0,
    walkPpm: 0,
  });
  const board = new BoardClock(time, crystal);
  const beganUs = board.nowUs();
  let firedUs = 0;
  board.after(1_000_000, () => {
    firedUs = time.nowUs;
  });
  time.runUntil(HOUR_US);
  expect(firedUs).not.toBe(1e9);
  expect(Math.abs(firedUs - 1e9)).toBeLessThan(40_000);
  expect(board.nowUs() - beganUs).toBeCloseTo(HOUR_US * crystal.rateAt(0), -1);
});

test('local time of a crystal never jumps, at its own steps neither', () => {
  const crystal = new Oscillator({ random: seededRandom('b'), durationUs: HOUR_US, ...CHEAP_CRYSTAL });
  for (let atUs = 0; atUs < HOUR_US; atUs += 10e6) {
    expect(crystal.localUs(atUs + 10e6 + 1) - crystal.localUs(atUs + 10e6 - 1)).toBeCloseTo(2, 2);
  }
});

test('nothing passes during a stall, and nothing is lost', () => {
  const link = new TwinLink({ profile: likeLte, stalls: { everyUs: 20e6, forUs: 700e3 } }, 'c');
  const tripsUs = Array.from({ length: 2_000 }, (_, index) => link.upAtUs(100, index * 10e3) - index * 10e3);
  expect(Math.min(...tripsUs)).toBeGreaterThanOrEqual(25_000);
  expect(Math.max(...tripsUs)).toBeGreaterThan(650_000);
});

test('pairs are counted to a microsecond, and what nobody knows is left out', () => {
  const pairs = new PairErrors();
  pairs.add([0, 100, NaN]);
  pairs.add([0, 300, 100]);
  const other = new PairErrors();
  other.add([0, 70_000]);
  pairs.merge(other.counts);
  expect(pairs.quantileUs(0.5)).toBe(201);
  expect(pairs.maxUs).toBe(70_000);
});

test('a seed tells one story, another seed another', () => {
  const story = (seed: string): number[] => errors(start({ seed }), 60e6, 600e6);
  expect(story('d')).toEqual(story('d'));
  expect(story('d')).not.toEqual(story('e'));
});

test('receivers on a link like LTE play within a millisecond of each other, and never begin anew', () => {
  const receivers = Array.from({ length: 6 * inject('soak') }, (_, index) => start({ seed: `f ${index}` }));
  const seen = receivers.map((receiver) => errors(receiver, 300e6, 2 * HOUR_US));
  const pairs = new PairErrors();
  for (const look of seen[0]?.keys() ?? []) pairs.add(seen.map((each) => each[look] ?? NaN));
  expect(pairs.quantileUs(0.5)).toBeLessThan(150);
  expect(pairs.quantileUs(0.99)).toBeLessThan(600);
  expect(pairs.maxUs).toBeLessThan(2_000);
  expect(receivers.map(({ card }) => card.restarts)).toEqual(receivers.map(() => 0));
});

test('in the first minutes too', () => {
  const receivers = Array.from({ length: 20 }, (_, index) => start({ seed: `g ${index}` }));
  const seen = receivers.map((receiver) => errors(receiver, 20e6, 300e6));
  const pairs = new PairErrors();
  for (const look of seen[0]?.keys() ?? []) pairs.add(seen.map((each) => each[look] ?? NaN));
  expect(pairs.maxUs).toBeLessThan(3_000);
});

test.each([0, 20])('a way up that takes %i ms longer shows as half of it', (moreMs) => {
  // Told to the sample: half a step is a constant of a card.
  const card = { ...USB_CARD, stepSamples: 1 };
  const profile = { up: way(25 + moreMs, 2), down: way(25, 2) };
  const seen = errors(start({ seed: 'h', link: { profile }, card }), 600e6, 1_200e6);
  for (const errorUs of seen) expect(Math.abs(errorUs - (moreMs / 2) * 1_000)).toBeLessThan(300);
});

test('after an hour of learning it keeps the time for an hour alone, and an outage tears nothing', () => {
  const profile = { up: way(60, 8), down: way(60, 8) };
  const outages = [{ fromUs: HOUR_US, forUs: HOUR_US }];
  const receiver = start({ seed: 'i', durationUs: 2.1 * HOUR_US, link: { profile, outages } });
  const seen = errors(receiver, HOUR_US, 2.05 * HOUR_US);
  expect(Math.max(...seen.map(Math.abs))).toBeLessThan(5_000);
  expect(receiver.card.restarts).toBe(0);
});

test('cards of one kind are heard together, though half a step of their delay cannot be seen', () => {
  const cables = { profile: { up: way(1, 0.1), down: way(1, 0.1) } };
  const cards = { exact: { ...USB_CARD, stepSamples: 1 }, usb: USB_CARD, dma: DMA_CARD, busy: BUSY_CARD };
  const seen = Object.entries(cards).map(([name, card]) => {
    const receivers = ['j', 'k', 'l'].map((seed) => start({ seed, link: cables, card }));
    const late = receivers.map((receiver) => errors(receiver, 600e6, 1_200e6));
    const pairs = new PairErrors();
    for (const look of late[0]?.keys() ?? []) pairs.add(late.map((each) => each[look] ?? NaN));
    const lateMs = late.flat().reduce((sum, each) => sum + each, 0) / late.flat().length / 1_000;
    const moves = receivers.map(({ cardMoves, card: { restarts } }) => cardMoves + restarts);
    return { name, halfStepMs: Math.abs(Math.round(2 * lateMs)) / 2, isTogether: pairs.maxUs < 1_500, moves };
  });
  const isTogether = true;
  const moves = [0, 0, 0];
  expect(seen).toEqual([
    { name: 'exact', halfStepMs: 0, isTogether, moves },
    { name: 'usb', halfStepMs: 0.5, isTogether, moves },
    { name: 'dma', halfStepMs: 5, isTogether, moves },
    { name: 'busy', halfStepMs: 0, isTogether, moves },
  ]);
});
