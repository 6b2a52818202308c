import { addMs, mediaTime, type Fault } from '@loalang/shared';
import { expect, test } from 'vitest';
import { deviceState } from './device-state.ts';
import { isNewer, isOfTwin } from './status-order.ts';

const now = mediaTime(1_700_000_000_000_000);
const status = {
  playing: null,
  clock: { state: 'in-step', offsetUs: 0, uncertaintyUs: 1, ageMs: 1 },
  faults: [],
} as const;
const playing = { broadcastId: 'ab'.repeat(16), kind: 'item' } as const;
const none = { state: 'none', offsetUs: null, uncertaintyUs: null, ageMs: null } as const;
const faults = (...list: Fault[]) => ({ faults: list });

test.each([
  { what: 'nothing is known', ageMs: null, status: null, state: 'never-seen' },
  { what: 'all is well', ageMs: 1_000, status, state: 'ready' },
  { what: 'the newest status is 75 s old', ageMs: 75_000, status, state: 'ready' },
  { what: 'it is older', ageMs: 75_001, status: { ...status, playing }, state: 'offline' },
  { what: 'it plays', ageMs: 0, status: { ...status, playing }, state: 'playing' },
  {
    what: 'it plays live without the time',
    ageMs: 0,
    status: { ...status, playing, clock: none },
    state: 'playing',
  },
  {
    what: 'it knows no time',
    ageMs: 0,
    status: { ...status, clock: none, ...faults('clock-unknown') },
    state: 'no-clock',
  },
  { what: 'the mains are lost', ageMs: 0, status: { ...status, ...faults('mains-lost') }, state: 'fault' },
  {
    what: 'it plays on battery',
    ageMs: 0,
    status: { ...status, playing, ...faults('mains-lost') },
    state: 'playing',
  },
  {
    what: 'it plays into a dead amplifier',
    ageMs: 0,
    status: { ...status, playing, ...faults('amplifier-no-current') },
    state: 'fault',
  },
])('where $what a receiver is $state', ({ ageMs, status: newest, state }) => {
  const lastSeenAt = ageMs === null ? null : addMs(now, -ageMs);
  const shown = newest === null ? null : { ...newest, faults: [...newest.faults] };
  expect(deviceState({ lastSeenAt, status: shown, now })).toBe(state);
});

const held = { session: 'one', seq: 5, at: addMs(now, -30_000) };
test.each([
  { what: 'the next of its session', status: { session: 'one', seq: 6, at: now }, isNew: true },
  { what: 'the same again', status: held, isNew: false },
  { what: 'an older one of its session', status: { session: 'one', seq: 4, at: now }, isNew: false },
  { what: 'a new session', status: { session: 'two', seq: 1, at: now }, isNew: true },
  { what: 'a new session without the time', status: { session: 'two', seq: 1, at: null }, isNew: true },
  { what: 'a session that has ended', status: { session: 'old', seq: 99, at: now }, isNew: false },
  {
    what: 'a recorded session before the held one',
    status: { session: 'x', seq: 9, at: addMs(now, -31_000) },
    isNew: false,
  },
  {
    what: 'one that took two minutes',
    status: { session: 'one', seq: 6, at: addMs(now, -120_000) },
    isNew: false,
  },
])('$what counts as new: $isNew', ({ status: next, isNew }) => {
  expect(isNewer(next, held, { now, isRetired: (session) => session === 'old' })).toBe(isNew);
});

test.each([
  { what: 'speaks after its successor', status: { session: 'old', seq: 9, at: now }, isTwin: true },
  {
    what: 'was made before its successor spoke',
    status: { session: 'old', seq: 9, at: held.at },
    isTwin: false,
  },
  { what: 'has not the time', status: { session: 'old', seq: 9, at: null }, isTwin: false },
  { what: 'is the one held', status: { session: 'one', seq: 6, at: now }, isTwin: false },
  { what: 'is new', status: { session: 'two', seq: 1, at: now }, isTwin: false },
])('a session that $what is one of a second board with the same key: $isTwin', ({ status: next, isTwin }) => {
  expect(isOfTwin(next, held, { now, isRetired: (session) => session === 'old' })).toBe(isTwin);
});
