// The line under two clouds of points. A request that left at t1 and came at t2 shows offset + way up, a reply shows
// way down - offset, and nothing on the way ever makes one faster than the empty way. So the offset lies below all points
// of the one cloud and above all of the other (turned over), and the fastest requests and the fastest replies tell it,
// even where no single exchange was fast both ways.
//
// Where delays beyond the empty way are exponential, the likeliest line lies as high under each cloud as it can
// (the linear program of Moon, Skelly, Towsley, "Estimation and removal of clock skew from network delay measurements",
// INFOCOM 1999, here for both ways at once with one slope). Its error falls with the number of points, not with the root
// of it, as that of a mean or a regression does.

/** What the fastest of a burst shows one way: seconds after the origin, and microseconds. */
export interface EnvelopePoint {
  readonly x: number;
  readonly y: number;
}

export interface Clouds {
  readonly up: readonly EnvelopePoint[];
  readonly down: readonly EnvelopePoint[];
}

/** What is known of the slope before: a normal distribution, in microseconds a second, which are ppm. */
export interface SlopePrior {
  readonly ppm: number;
  readonly sdPpm: number;
}

export interface EnvelopeLine {
  /** At the origin. */
  readonly offsetUs: number;
  readonly ppm: number;
  /** Half of the shortest way up and the shortest way down together: the truth lies within it on either side. */
  readonly halfTripUs: number;
  /** How much longer than the shortest the fastest of a burst usually is, both ways together, halved. */
  readonly halfExcessUs: number;
  /** The same as a mean, which one that was held up for long can spoil, but a few lucky ones can't. */
  readonly halfMeanExcessUs: number;
}

/** No path and no timer repeats itself better than this. */
const LEAST_EXCESS_US = 20;
/** A clock that turns faster against another is no crystal but a wrong sample. */
const STEEPEST_PPM = 300;
const SEARCH_STEPS = 30;
/** So many times over the usual excess a point counts half. */
const TAIL = 3;
const ROUNDS = 2;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The likeliest line. Its cost is convex in the slope, so that a golden-section search finds it. Points far from the line
 * count less (as if delays had the heavier tail of Lomax' distribution, by reweighting twice): a burst that a radio held
 * up for a second says nothing of the slope. `guess` is the slope of the line before, from which the distances are told.
 */
export function fitEnvelope(clouds: Clouds, prior: SlopePrior, guess: number): EnvelopeLine {
  let line = lineAt(clouds, guess);
  for (let round = 0; round < ROUNDS; round += 1) line = lineAt(clouds, likeliestSlope(clouds, prior, line));
  const { offsetUs, ppm, halfTripUs, excessUpUs, excessDownUs } = line;
  const halfMeanExcessUs = (meanExcess(clouds.up, -ppm) + meanExcess(clouds.down, ppm)) / 2;
  return { offsetUs, ppm, halfTripUs, halfExcessUs: (excessUpUs + excessDownUs) / 2, halfMeanExcessUs };
}

function likeliestSlope({ up, down }: Clouds, prior: SlopePrior, before: FullLine): number {
  const upWeights = weightsOf(up, -before.ppm, before.excessUpUs);
  const downWeights = weightsOf(down, before.ppm, before.excessDownUs);
  return lowest(
    (ppm) =>
      gapSum(up, -ppm, upWeights) +
      gapSum(down, ppm, downWeights) +
      ((ppm - prior.ppm) / prior.sdPpm) ** 2 / 2,
    -STEEPEST_PPM,
    STEEPEST_PPM,
  );
}

interface FullLine extends Pick<EnvelopeLine, 'offsetUs' | 'ppm' | 'halfTripUs'> {
  readonly excessUpUs: number;
  readonly excessDownUs: number;
}

function lineAt({ up, down }: Clouds, ppm: number): FullLine {
  const above = floorOf(up, -ppm);
  const below = floorOf(down, ppm);
  return {
    offsetUs: (above - below) / 2,
    ppm,
    halfTripUs: (above + below) / 2,
    excessUpUs: usualExcess(up, -ppm, above),
    excessDownUs: usualExcess(down, ppm, below),
  };
}

/** How low the cloud reaches once it is turned by a slope. */
function floorOf(points: readonly EnvelopePoint[], slope: number): number {
  let floor = Infinity;
  for (const { x, y } of points) floor = Math.min(floor, y + slope * x);
  return floor;
}

function weightsOf(points: readonly EnvelopePoint[], slope: number, excessUs: number): number[] {
  const floor = floorOf(points, slope);
  return points.map(({ x, y }) => 1 / (excessUs + (y + slope * x - floor) / TAIL));
}

function gapSum(points: readonly EnvelopePoint[], slope: number, weights: readonly number[]): number {
  let [sum, total, floor, index] = [0, 0, Infinity, 0];
  for (const { x, y } of points) {
    const turned = y + slope * x;
    const weight = weights[index] ?? 0;
    index += 1;
    sum += weight * turned;
    total += weight;
    floor = Math.min(floor, turned);
  }
  return sum - total * floor;
}

// By the median, which is ln 2 of the mean of an exponential: one burst that was held up for a second says nothing of
// the others.
function usualExcess(points: readonly EnvelopePoint[], slope: number, floor: number): number {
  const gaps = points.map(({ x, y }) => y + slope * x - floor).toSorted((a, b) => a - b);
  return Math.max(LEAST_EXCESS_US, (gaps[Math.floor(gaps.length / 2)] ?? 0) / Math.LN2);
}

// The lowest of n exponential delays lies a mean divided by n above the empty way: so n / (n - 1) of the mean gap.
function meanExcess(points: readonly EnvelopePoint[], slope: number): number {
  const floor = floorOf(points, slope);
  const sum = points.reduce((gaps, { x, y }) => gaps + y + slope * x - floor, 0);
  return sum / Math.max(1, points.length - 1);
}

function lowest(cost: (at: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  let left = high - GOLDEN * (high - low);
  let right = low + GOLDEN * (high - low);
  let [costLeft, costRight] = [cost(left), cost(right)];
  for (let step = 0; step < SEARCH_STEPS; step += 1) {
    if (costLeft <= costRight) {
      high = right;
      [right, costRight] = [left, costLeft];
      left = high - GOLDEN * (high - low);
      costLeft = cost(left);
    } else {
      low = left;
      [left, costLeft] = [right, costRight];
      right = low + GOLDEN * (high - low);
      costRight = cost(right);
    }
  }
  return (low + high) / 2;
}
