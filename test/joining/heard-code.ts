// What an officer's ear does: finds the spoken code in what a receiver played.
import { fileURLToPath } from 'node:url';
import { readRecording } from '@loalang/firmware-sim';
import { align, decodeFile, SAMPLE_RATE } from '../compare-audio.ts';

const CLIPS = fileURLToPath(new URL('../../device-agent/clips/', import.meta.url));
const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;
/** Each digit begins so long after "Mã của loa" does; see docs/protocol.md. */
const DIGITS_AT_MS = [1_800, 2_800, 3_800, 4_800, 6_500, 7_500, 8_500, 9_500] as const;
const LONGEST_MS = DIGITS_AT_MS[7] + 1_000;
/** The receiver's clock is seconds old, and slews. */
const SLACK_MS = 40;

const samplesOf = (ms: number): number => Math.round((ms * SAMPLE_RATE) / 1000);
const decoded = new Map<string, Float32Array>();

function clip(name: string): Float32Array {
  const samples = decoded.get(name) ?? decodeFile(`${CLIPS}${name}.opus`);
  decoded.set(name, samples);
  return samples;
}

export interface HeardCode {
  readonly code: string;
  /** How like its clip each digit sounded, and how much more like than the next best one. */
  readonly likeness: readonly number[];
  readonly margin: readonly number[];
}

/** The whole codes that a receiver has read out so far, in order. */
export async function heardCodes(folder: string): Promise<HeardCode[]> {
  const intro = clip('code');
  const clips = digits.map(clip);
  const heard: HeardCode[] = [];
  for (const { samples } of await readRecording(folder)) {
    for (const from of onsets(intro, samples)) heard.push(readDigits(clips, samples.subarray(from)));
  }
  return heard;
}

/** Was this clip heard? */
export async function isHeard(folder: string, name: string): Promise<boolean> {
  const wanted = clip(name);
  const stretches = await readRecording(folder);
  return stretches.some(({ samples }) => onsets(wanted, samples, wanted.length).length > 0);
}

/** Where a clip begins in a recording that holds enough behind it. */
function onsets(wanted: Float32Array, recorded: Float32Array, needed = samplesOf(LONGEST_MS)): number[] {
  const found: number[] = [];
  let from = firstSound(recorded, 0);
  while (from !== null && from + needed <= recorded.length) {
    const { lagMs, correlation } = align(wanted, recorded, { offset: from, maxLagMs: 60 });
    const at = from + samplesOf(lagMs);
    if (correlation > 0.9) found.push(at);
    from = firstSound(recorded, endOfSound(recorded, from));
  }
  return found;
}

const LOUD = 0.01;
/** A pause within a word is shorter, one between digits longer. */
const PAUSE = samplesOf(120);

function firstSound(samples: Float32Array, from: number): number | null {
  for (let index = from; index < samples.length; index += 1) {
    if (Math.abs(samples[index] ?? 0) > LOUD) return index;
  }
  return null;
}

function endOfSound(samples: Float32Array, from: number): number {
  let last = from;
  for (let index = from; index < samples.length && index - last < PAUSE; index += 1) {
    if (Math.abs(samples[index] ?? 0) > LOUD) last = index;
  }
  return last + PAUSE;
}

function readDigits(clips: readonly Float32Array[], samples: Float32Array): HeardCode {
  const best = DIGITS_AT_MS.map((atMs) => {
    const place = { offset: samplesOf(atMs), maxLagMs: SLACK_MS };
    return clips
      .map((wanted, digit) => ({ digit, likeness: align(wanted, samples, place).correlation }))
      .toSorted((a, b) => b.likeness - a.likeness);
  });
  return {
    code: best.map(([first]) => String(first?.digit)).join(''),
    likeness: best.map(([first]) => first?.likeness ?? 0),
    margin: best.map(([first, second]) => (first?.likeness ?? 0) - (second?.likeness ?? 0)),
  };
}
