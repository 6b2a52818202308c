import { describe, expect, it } from 'vitest';
import pino from 'pino';
import { ManualClock } from '@loalang/scheduler/testing';
import { mediaTime } from '@loalang/shared';
import { SessionWatch } from './session-watch.ts';

function setUp() {
  const clock = new ManualClock(mediaTime(1_700_000_000_000_000));
  const alive = new Set(['a', 'b']);
  let isDown = false;
  const people = {
    session: async (token: string) => {
      await Promise.resolve();
      if (isDown) throw new Error('the database is down');
      return alive.has(token) ? { person: null } : null;
    },
  };
  const watch = new SessionWatch({ people, clock, log: pino({ level: 'silent' }) });
  const ended: string[] = [];
  const follow = (token: string) => watch.watch(token, () => ended.push(token));
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { watch, alive, ended, follow, pass, setDown: (down: boolean) => void (isDown = down) };
}

describe('the watch over sessions', () => {
  it('tells at once when a session is ended here', () => {
    const { watch, ended, follow } = setUp();
    follow('a');
    follow('a');
    follow('b');
    watch.end('a');
    watch.end('a');
    expect(ended).toEqual(['a', 'a']);
  });

  it('notices within five seconds when a session ends elsewhere', async () => {
    const { alive, ended, follow, pass } = setUp();
    follow('a');
    follow('b');
    await pass(5_000);
    expect(ended).toEqual([]);
    alive.delete('b');
    await pass(5_000);
    expect(ended).toEqual(['b']);
  });

  it('tells nobody who has stopped to follow', async () => {
    const { watch, alive, ended, follow, pass } = setUp();
    const unwatch = follow('a');
    unwatch();
    unwatch();
    alive.clear();
    await pass(10_000);
    watch.end('a');
    expect(ended).toEqual([]);
  });

  it('ends nothing while the database does not answer', async () => {
    const { alive, ended, follow, pass, setDown } = setUp();
    follow('a');
    setDown(true);
    await pass(5_000);
    expect(ended).toEqual([]);
    setDown(false);
    alive.clear();
    await pass(5_000);
    expect(ended).toEqual(['a']);
  });
});
