import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edges, findClicks, steps, type Bound } from './clicks.ts';
import { findSilences, judgeSilences } from './gaps.ts';
import { compare, type Likeness } from './likeness.ts';
import { roughnessOf, windowsOf, type Part } from './part.ts';
import { ListenedReceiver } from './receiver.ts';
import {
  LINK,
  SECONDS,
  TOLD_S,
  idealGain,
  idealLateMs,
  idealParts,
  idealSilences,
  makeVoices,
  perform,
  unsettledS,
  type Voices,
} from './score.ts';

// Much of what may happen, in 49 seconds, heard by no ear: a bulletin, a live voice with losses and an outage, an emergency, a
// change of volume and of the acoustic offset, a stop; with crystals 80 ppm off, board and card in opposite directions.
// What the card played is compared with what a perfect receiver would have made heard.

/**
 * Between its own samples a voice is a little steeper than at them, a fade adds a few thousandths of its height, and what is
 * faded over may be as steep as what is faded in: 1.2 was seen at most.
 */
const STEP_BOUND: Bound = { ratio: 1.5, floor: 0.002 };
/** 1.1 was seen at most; -60 dBFS of a click is masked by anything. */
const EDGE_BOUND: Bound = { ratio: 1.5, floor: 0.001 };
/** Below -60 dBFS it is silent; the soft wind in the pauses is never for 10 ms. */
const SILENT = { level: 0.001, leastS: 0.01 };
/** Softer than -34 dBFS only wind is heard, in which half a sample of lag is already a difference. */
const LOUD = 0.02;

let voices: Voices;
let parts: Part[];
let edgesDue: Float32Array;

beforeAll(async () => {
  voices = await makeVoices();
  parts = idealParts(voices);
  edgesDue = roughnessOf(parts, edges, SECONDS * 48_000, TOLD_S);
});

describe.each([
  ['a slow board with a fast card', -80, 80],
  ['a fast board with a slow card', 80, -80],
])('%s', (_name, boardPpm, cardPpm) => {
  let receiver: ListenedReceiver;
  let heard: Float32Array;
  let alike: Likeness[];

  beforeAll(async () => {
    receiver = await ListenedReceiver.open({ seconds: SECONDS, boardPpm, cardPpm, link: LINK });
    perform(receiver, voices);
    await receiver.run();
    heard = receiver.heard;
    alike = windowsOf(parts, unsettledS).map((window) => compare(heard, window));
  });

  afterAll(() => receiver.close());

  it('is silent where gaps must be and nowhere else', () => {
    expect(judgeSilences(findSilences(heard, SILENT), idealSilences())).toEqual([]);
    expect(receiver.faults).toEqual([]);
  });

  it('makes no step between two samples that is not in what it plays', () => {
    const due = roughnessOf(parts, steps, receiver.played.length, TOLD_S);
    expect(findClicks(steps(receiver.played), due, STEP_BOUND)).toEqual([]);
  });

  it('makes no edge above the voice that is not in what it plays', () => {
    expect(findClicks(edges(receiver.played), edgesDue, EDGE_BOUND)).toEqual([]);
  });

  it('plays what it must, as loud as it must', () => {
    const loud = alike.filter(({ level }) => level > LOUD);
    expect(loud.length).toBeGreaterThan(150);
    for (const { atS, gain, residual } of loud) {
      expect(residual, `what is left over at ${atS} s`).toBeLessThan(0.35);
      expect(Math.abs(gain / idealGain(atS) - 1), `the gain at ${atS} s`).toBeLessThan(0.2);
    }
  });

  // Half a millisecond of it is the card's, which tells its delay in steps of one.
  it('plays each sample at its time, within 1.5 ms', () => {
    for (const { atS, lagMs } of alike) {
      expect(Math.abs(lagMs - idealLateMs(atS)), `the lag at ${atS} s`).toBeLessThan(1.5);
    }
  });

  // Five samples dropped or repeated would show.
  it('drops and repeats nothing: its place moves by no more than the steering may', () => {
    const loud = alike.filter(({ level }) => level > LOUD);
    for (const [index, { atS, lagMs }] of loud.entries()) {
      const before = loud[index - 1];
      if (before === undefined || atS - before.atS > 0.15) continue;
      expect(Math.abs(lagMs - before.lagMs), `the lag from ${before.atS} s on`).toBeLessThan(0.1);
    }
  });

  it('would have found clicks: in a word, where there is concealment, in the emergency, when it is softer', () => {
    const spoilt = receiver.played.slice();
    const clicksS = [12.35, 15.28, 21.2, 40.07];
    for (const atS of clicksS) {
      const at = Math.round(atS * 48_000);
      spoilt[at] = (spoilt[at] ?? 0) + 0.05;
    }
    const found = findClicks(edges(spoilt), edgesDue, EDGE_BOUND).map(({ atS }) => atS);
    for (const atS of clicksS) {
      expect(found.some((foundS) => Math.abs(foundS - atS) < 0.01)).toBe(true);
    }
  });
});
