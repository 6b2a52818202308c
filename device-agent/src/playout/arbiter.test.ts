import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { addMs, isQuiet, mediaTime, priorityRank } from '@loalang/shared';
import { FADE_US, choose, nextChangeUs, standingOf } from './arbiter.ts';
import type { Candidate, Rules } from './arbiter.ts';
import { NOON, NO_QUIET, afterNoon } from './test-rig.ts';

const rules = (change: Partial<Rules> = {}): Rules => ({
  policy: NO_QUIET,
  isMuted: false,
  stopped: new Set(),
  ...change,
});
const candidate = (id: string, change: Partial<Candidate> = {}): Candidate => ({
  id,
  kind: 'item',
  priority: 'normal',
  startAt: NOON,
  endAt: addMs(NOON, 60_000),
  ...change,
});
const quiet = { utcOffsetMinutes: 420, quietHours: [{ from: '12:00', to: '12:01' }] };

describe('what sounds', () => {
  it.each([
    { name: 'the higher priority', other: candidate('b', { priority: 'priority' }), wins: 'b' },
    { name: 'speech over a file', other: candidate('b', { kind: 'stream' }), wins: 'b' },
    { name: 'what starts later', other: candidate('b', { startAt: afterNoon(500) }), wins: 'b' },
    { name: 'the same one on every receiver', other: candidate('b'), wins: 'a' },
    {
      name: 'not what is not due',
      other: candidate('b', { priority: 'emergency', startAt: afterNoon(1_001) }),
      wins: 'a',
    },
    {
      name: 'not what is over',
      other: candidate('b', { priority: 'emergency', endAt: afterNoon(1_000) }),
      wins: 'a',
    },
  ])('is $name', ({ other, wins }) => {
    expect(choose([candidate('a'), other], rules(), afterNoon(1_000))?.id).toBe(wins);
    expect(choose([other, candidate('a')], rules(), afterNoon(1_000))?.id).toBe(wins);
  });

  it.each([
    { name: 'a stopped one', change: { stopped: new Set(['a']) }, standing: 'stopped', emergency: 'stopped' },
    { name: 'a muted receiver', change: { isMuted: true }, standing: 'muted', emergency: 'eligible' },
    { name: 'quiet hours', change: { policy: quiet }, standing: 'quiet-hours', emergency: 'eligible' },
  ])('is nothing for $name, unless it is an emergency that may', ({ change, standing, emergency }) => {
    expect(standingOf(candidate('a'), rules(change), afterNoon(1_000))).toBe(standing);
    expect(standingOf(candidate('a', { priority: 'emergency' }), rules(change), afterNoon(1_000))).toBe(
      emergency,
    );
  });

  it('has faded when quiet hours begin', () => {
    const early = candidate('a', { startAt: afterNoon(-5_000) });
    expect(standingOf(early, rules({ policy: quiet }), afterNoon(-21))).toBe('eligible');
    expect(standingOf(early, rules({ policy: quiet }), afterNoon(-20))).toBe('quiet-hours');
  });
});

describe('for any broadcasts and rules', () => {
  const anyCandidate = fc.record({
    id: fc.stringMatching(/^[a-f]{2}$/),
    kind: fc.constantFrom('item' as const, 'stream' as const),
    priority: fc.constantFrom('normal' as const, 'priority' as const, 'emergency' as const),
    startAt: fc.nat(200_000).map((ms) => afterNoon(ms)),
    endAt: fc.nat(250_000).map((ms) => afterNoon(ms)),
  });
  const anyRules = fc.record({
    policy: fc.constantFrom(NO_QUIET, quiet, { ...quiet, quietHours: [{ from: '12:02', to: '11:00' }] }),
    isMuted: fc.boolean(),
    stopped: fc.array(fc.stringMatching(/^[a-f]{2}$/)).map((ids) => new Set(ids)),
  });
  const anyTime = fc.nat(250_000).map((ms) => afterNoon(ms));
  const unique = fc.uniqueArray(anyCandidate, { selector: ({ id }) => id, maxLength: 8 });

  it('the chosen one may sound, and nothing of a higher priority that may is passed over', () => {
    fc.assert(
      fc.property(unique, anyRules, anyTime, (candidates, anyOf, at) => {
        const chosen = choose(candidates, anyOf, at);
        const eligible = candidates.filter((each) => standingOf(each, anyOf, at) === 'eligible');
        expect(chosen === null).toBe(eligible.length === 0);
        if (chosen === null) return;
        expect(at >= chosen.startAt && at < chosen.endAt && !anyOf.stopped.has(chosen.id)).toBe(true);
        if (chosen.priority !== 'emergency') expect(anyOf.isMuted || isQuiet(anyOf.policy, at)).toBe(false);
        for (const each of eligible) {
          expect(priorityRank(each.priority)).toBeLessThanOrEqual(priorityRank(chosen.priority));
        }
        expect(choose(candidates.toReversed(), anyOf, at)).toBe(chosen);
      }),
      { numRuns: 1_000 * inject('soak'), seed: 5 },
    );
  });

  it('the choice stays the same until the next change that was foretold', () => {
    fc.assert(
      fc.property(
        unique,
        anyRules,
        anyTime,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (candidates, anyOf, at, part) => {
          const nextUs = Math.min(nextChangeUs(candidates, at), at + 60_000_000);
          const later = mediaTime(Math.floor(at + part * (nextUs - at - 1)));
          expect(choose(candidates, anyOf, later)).toBe(choose(candidates, anyOf, at));
          expect(nextUs).toBeGreaterThan(at);
          expect(FADE_US).toBe(20_000);
        },
      ),
      { numRuns: 1_000 * inject('soak'), seed: 6 },
    );
  });
});
