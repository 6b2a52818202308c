// The key lines of what is heard: buffer, concealment, arbiter, mixer, resampler, steering, limiter; and of what is asked for
// again and counted as late.
import { mutationsOf } from './mutation.ts';

const PLAYOUT = 'device-agent/src/playout';
const LISTENING = 'test/listening/listening.test.ts';

export const ofThePlayout = [
  ...mutationsOf(
    `${PLAYOUT}/jitter-buffer.ts`,
    `${PLAYOUT}/jitter-buffer.test.ts`,
    [
      'startUs < this.#passedUs - STAMP_TOLERANCE_US',
      'false',
      'what was passed over must not sound after all',
    ],
    ["startUs > nowUs + MAX_AHEAD_US ? 'too-early' : null", 'null', 'memory has a bound'],
    ['MOST_LEAD * MAX_LATENCY_MS', 'MAX_LATENCY_MS', 'the longest lead is not too early'],
    ['if (distanceUs <= STAMP_TOLERANCE_US)', 'if (false)', 'a frame that comes twice sounds once'],
    ['(this.#frames[index - 1]?.startUs ?? 0) > startUs', 'false', 'what comes out of order is put in order'],
    [
      'opus: Uint8Array.from(frame.opus)',
      'opus: frame.opus',
      'a view keeps the whole chunk of the socket alive',
    ],
    ['return Math.min(numbers, fitting);', 'return numbers;', 'a wild number is no loss of thousands'],
    ['this.#endUs ??= startUs + FRAME_US', 'this.#endUs ??= Infinity', 'the sender says where it ends'],
    ['atUs - this.#passed.endUs < GONE_AFTER_US', 'true', 'a dead stream gives the loudspeaker back'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/gaps.ts`,
    `${PLAYOUT}/gaps.test.ts`,
    ['Math.min(missing, fitting)', 'missing', 'not more is asked for than fits between the stamps'],
    ['(sequence - frames + UINT32) % UINT32', 'sequence - frames', 'numbers wrap around'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/stream-source.ts`,
    `${PLAYOUT}/stream-source.test.ts`,
    [
      'if (this.#lostFrames > AUDIBLE_CONCEALMENT_FRAMES)',
      'if (false)',
      'a guess that drones on is worse than silence',
    ],
    [
      'if (tail !== null || this.#isSilent) fadeIn',
      'if (tail !== null) fadeIn',
      'a voice comes back without a click',
    ],
    ['      fadeOut(samples, length);\n', '', 'a guess ends without a click'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/arbiter.ts`,
    `${PLAYOUT}/arbiter.test.ts`,
    ['priorityRank(b.priority) - priorityRank(a.priority)', '0', 'an emergency goes first'],
    ["a.kind === 'stream' ? -1 : 1", "a.kind === 'stream' ? 1 : -1", 'who speaks goes before a file'],
    ['return b.startAt - a.startAt;', 'return a.startAt - b.startAt;', 'what begins later goes first'],
    ["if (rules.stopped.has(candidate.id)) return 'stopped';", '', 'a stop stops'],
    ["if (candidate.priority === 'emergency') return 'eligible';", '', 'an emergency is heard at night'],
    [' || isQuiet(rules.policy, addUs(at, FADE_US))', '', 'quiet hours begin in silence'],
    ['consider(minuteUs - FADE_US);', '', 'the fade before quiet hours begins in time'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/mixer.ts`,
    LISTENING,
    [
      '      fadeOut(samples, samples.length);\n      this.#keepTail(samples);\n      return',
      '      this.#keepTail(samples);\n      return',
      'what is cut off fades',
    ],
    ['new GainRamp(0, ', 'new GainRamp(1, ', 'what begins in the middle rises from silence'],
    ['voice.volume.apply(samples);', '', 'the volume counts'],
  ),
  ...mutationsOf(`${PLAYOUT}/gain-ramp.ts`, `${PLAYOUT}/gain-ramp.test.ts`, [
    '(goal - this.#value) / this.#rampSamples',
    'goal - this.#value',
    'a change of volume glides',
  ]),
  ...mutationsOf(
    `${PLAYOUT}/resampler.ts`,
    `${PLAYOUT}/resampler.test.ts`,
    ['sumLow + blend * (sumHigh - sumLow)', 'sumLow', 'between two phases of the table it is blended'],
    ['(position - whole) * PHASES', '0', 'positions lie between samples'],
    ['this.#length -= passed;', '', 'nothing is dropped or repeated between two reads'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/steering.ts`,
    `${PLAYOUT}/steering.test.ts`,
    [
      'Math.abs(errorSamples) > RESTART_ABOVE_US * SAMPLES_PER_US',
      'false',
      'a clock that jumped is followed at once',
    ],
    ['const correction = clamp(wanted);', 'const correction = wanted;', 'no bend of the pitch is heard'],
    [
      'this.#drift + (errorSamples * count)',
      'this.#drift + 0 * (errorSamples * count)',
      'the drift is learnt, or an error stays',
    ],
    ['correction - this.#slew(correction, count)', 'correction', 'a new acoustic offset is reached'],
  ),
  ...mutationsOf(
    `${PLAYOUT}/limiter.ts`,
    `${PLAYOUT}/limiter.test.ts`,
    [
      'this.#ask(level <= THRESHOLD ? 1 : THRESHOLD / level);',
      'this.#ask(1);',
      'what is too loud is turned down',
    ],
    ['return this.#sum / LOOK_AHEAD_SAMPLES;', 'return gain;', 'the gain makes no step'],
    ['if (Number.isNaN(sample)) return 0;', '', 'one bad sample must not silence the rest'],
    ['this.#released = Math.min(held, ', 'this.#released = Math.max(held, ', 'it is turned down in time'],
  ),
  ...mutationsOf(
    'device-agent/src/repair/repair-desk.ts',
    'device-agent/src/repair/repair-desk.test.ts',
    ['wasSilent || this.#torn.has(streamId)', 'wasSilent', 'what was not asked for whole is asked for later'],
    ['if (!isNext || ', 'if (', 'a hole shows where a number is left out'],
  ),
  ...mutationsOf(
    'device-agent/src/repair/repair-planner.ts',
    'device-agent/src/repair/repair-planner.test.ts',
    ['mediaUs + roundTripUs - dueUs', 'mediaUs - dueUs', 'what can not come in time is not asked for'],
    ['asked.times < MOST_ASKS', 'true', 'what is not there is not asked for for ever'],
    ['this.#tokens -= 1;', '', 'a bad link may ask for so much only'],
    ['moment.nowUs - asked.atUs >= RepairPlanner.waitUs(moment)', 'true', 'an answer is waited for'],
    ['elapsedS * FRAMES_PER_SECOND', '0', 'who was away for long may ask again'],
  ),
  ...mutationsOf(
    'device-agent/src/lateness/lateness-counter.ts',
    'device-agent/src/lateness/lateness-counter.test.ts',
    ['onWayUs > candidateMs * 1000', 'onWayUs > candidateMs', 'late is later than the latency'],
    [
      'packet.mediaTime - frames * FRAME_US',
      'packet.mediaTime',
      'a lost packet was due earlier than the next',
    ],
    ['if (ahead >= HALF_UINT32) return;', '', 'an old packet counts once'],
    ['if (ahead <= MAX_MISSING_FRAMES)', 'if (true)', 'who was away was not late'],
  ),
];
