// The key lines of what tells the time: exchange, envelope, filter, the receiver's media time, the card's line.
import { mutationsOf } from './mutation.ts';

const CLOCK = 'device-agent/src/clock';
const SINK = 'device-agent/src/sink';

export const ofTheClock = [
  ...mutationsOf(
    `${CLOCK}/exchange.ts`,
    `${CLOCK}/exchange.test.ts`,
    ['this.#asked.delete(reply.nonce);', '', 'a reply counts once: a recorded one must not'],
    ['reply.t1 !== t1 || reply.t3 < reply.t2', 'false', 'a reply to another question shifts the clock'],
    [
      'this.#options.isBusy() ? this.#beginBurst()',
      'false ? this.#beginBurst()',
      'before playing it asks often',
    ],
    ['GROWTH ** grown', '1', 'a line grows old enough to bear longer pauses'],
    ['Math.min(usualMs, ', '(', 'pauses may not grow for ever'],
    ['1 + SPREAD * (2 * this.#options.random() - 1)', '1', 'receivers must not ask in chorus'],
    [
      'RECONNECT_SPREAD_MS * this.#options.random()',
      '0',
      'a broker that comes back is not asked by all at once',
    ],
  ),
  ...mutationsOf(
    `${CLOCK}/envelope.ts`,
    `${CLOCK}/clock-filter.test.ts`,
    ['offsetUs: (above - below) / 2', 'offsetUs: above', 'half the trip is the way there'],
    [
      'floor = Math.min(floor, y + slope * x)',
      'floor = y + slope * x',
      'the fastest tells the way, not the last',
    ],
    ['return sum - total * floor;', 'return sum;', 'the line lies close under the points'],
    ['const STEEPEST_PPM = 300;', 'const STEEPEST_PPM = 1e-6;', 'the slope is learnt'],
  ),
  ...mutationsOf(
    `${CLOCK}/clock-filter.ts`,
    `${CLOCK}/clock-filter.test.ts`,
    ['t4 - t1 <= MAX_ROUND_TRIP_US', 'true', 'a reply that was held back may be wrong by half of that'],
    [
      'if (this.#contradicts(burst)) return',
      'if (false) return',
      'what can not be true must not move the line',
    ],
    [
      'this.#contradicting.length < CONTRADICTIONS_TO_BELIEVE',
      'true',
      'a clock that was moved is followed at last',
    ],
    ['WANDER_PPM * Math.abs(ageS)', '0', 'what was learnt long ago is less sure'],
    ['line.halfTripUs + line.halfExcessUs', 'line.halfExcessUs', 'asymmetry can not be seen, only bounded'],
    ['t2 - t1 < up.tookUs', 't2 - t1 > up.tookUs', 'the fastest of a burst tells most'],
    ['kept.slice(-MAX_BURSTS)', 'kept', 'memory has a bound'],
    ['this.#doubtPrior(bursts);', '', 'a drift that was learnt wrong must not hold the line'],
    ['this.#doubtPast(bursts, guess)', 'bursts', 'a platform that is slewed is on no straight line'],
  ),
  ...mutationsOf(
    `${CLOCK}/device-clock.ts`,
    `${CLOCK}/device-clock.test.ts`,
    ['mediaUs === null || !this.#isSounding()', 'mediaUs === null || true', 'what sounds is never stepped'],
    ['Math.min(MAX_SLEW_PPM, wantedPpm)', 'wantedPpm', 'the steering can follow only so fast'],
    ['!this.isBeforeFloor(t2)', 'true', 'media time never goes back past what was kept'],
    [
      'uncertaintyUs <= IN_STEP_US && this.#carried === null',
      'uncertaintyUs <= IN_STEP_US',
      'what a battery told is not in step',
    ],
    ['Math.abs(this.#aheadUs(nowUs, estimate.offsetUs))', '0', 'what is still to be slewed is error'],
  ),
  ...mutationsOf(
    `${CLOCK}/device-clock.ts`,
    `${CLOCK}/two-ways.test.ts`,
    ['if (this.#filter.agreesWith(sample)) {', 'if (false) {', 'what came another way bends no line'],
    ["hasLine && this.#stateAt(nowUs) !== 'none'", 'hasLine', 'a line that has gone stale tells no hour'],
    ['isFirst && !this.#knowsBetter(filter, nowUs)', 'false', 'a burst that was held up is no better'],
    [
      'driftPpm: this.#filter.learntPpm ?? this.#learntPpm,',
      'driftPpm: estimate.driftPpm,',
      'one answer says nothing of the drift',
    ],
  ),
  ...mutationsOf(
    `${CLOCK}/timeline.ts`,
    `${CLOCK}/timeline.test.ts`,
    [
      'Math.min(elapsedUs, line.slewUntilUs - line.fromUs)',
      'elapsedUs',
      'a slew ends where the error is gone',
    ],
    ['elapsedUs * line.driftPpm', '0', 'between exchanges the crystal drifts'],
  ),
  ...mutationsOf(
    `${SINK}/device-line.ts`,
    `${SINK}/device-line.test.ts`,
    ['this.#driftPpm + driftGain * errorUs', 'this.#driftPpm', 'a card has its own pace'],
    ['isFar ? null : errorUs', 'errorUs', 'a reading that was held up must not count'],
    ['    this.#seen = 0;\n', '', 'what is usual at the beginning is not so later'],
    ['atUs - place.farSinceUs >= MOVED_FOR_US', 'false', 'a card that lost something is elsewhere'],
    ['if (isSettling) ', 'if (false) ', 'the first seconds lean to one side'],
    ['place.playedUs) * this.pace', 'place.playedUs)', 'what is in the pipe goes at the pace of the card'],
  ),
];
