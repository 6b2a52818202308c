import { EventEmitter } from 'node:events';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@loalang/scheduler/testing';
import { mediaTime, type Person, type Today } from '@loalang/shared';
import { TodayFeed } from './today-socket.ts';

const START = 1_700_000_000_000_000;

function personOf(unitId: string): Person {
  const unit = { id: unitId, name: unitId };
  return { id: `p-${unitId}`, username: 'lan', name: 'Lan', role: 'operator', unit, hasPassword: true };
}

class RecordingPage extends EventEmitter {
  bufferedAmount = 0;
  isTerminated = false;
  /** When each state was made, milliseconds after the start. */
  readonly states: number[] = [];

  send(text: string): void {
    const match = /"at":(\d+)/.exec(text);
    this.states.push((Number(match?.[1]) - START) / 1000);
  }

  terminate(): void {
    this.isTerminated = true;
    this.emit('close');
  }
}

function setUp() {
  const clock = new ManualClock(mediaTime(START));
  const listeners = new Set<() => void>();
  const computed: string[] = [];
  const platform = {
    broadcasts: {
      today: async (person: Person): Promise<Today> => {
        computed.push(person.unit.id);
        const at = clock.now();
        await Promise.resolve();
        return { at, devices: [], broadcasts: [], timeAlarms: [], codesLockedUntil: null };
      },
    },
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const feed = new TodayFeed({ platform, clock, log: pino({ level: 'silent' }) });
  feed.start();
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50);
      await new Promise(setImmediate);
    }
  };
  const change = () => {
    for (const listener of listeners) listener();
  };
  const open = async (unitId = 'an-lac'): Promise<RecordingPage> => {
    const page = new RecordingPage();
    feed.watch(personOf(unitId), page);
    clock.advance(0);
    await new Promise(setImmediate);
    return page;
  };
  return { feed, computed, listeners, pass, change, open };
}

describe('the feed of today', () => {
  it('sends the state at once and every ten seconds', async () => {
    const { open, pass } = setUp();
    const page = await open();
    await pass(25_000);
    expect(page.states).toEqual([0, 10_000, 20_000]);
  });

  it('tells of many changes by one state every 300 ms, the last included', async () => {
    const { open, pass, change } = setUp();
    const page = await open();
    for (let count = 0; count < 10; count += 1) {
      change();
      await pass(50);
    }
    await pass(1_000);
    expect(page.states).toEqual([0, 300, 600]);
  });

  it('computes once for all who look after the same unit', async () => {
    const { open, pass, change, computed } = setUp();
    const pages = [await open(), await open(), await open('mai-son')];
    await pass(1_000);
    computed.length = 0;
    change();
    await pass(1_000);
    expect(computed.toSorted()).toEqual(['an-lac', 'mai-son']);
    expect(pages.map((page) => page.states.length > 1)).toEqual([true, true, true]);
  });

  it('lets a slow page skip states, and gives it the newest when it has caught up', async () => {
    const { open, pass, change } = setUp();
    const page = await open();
    page.bufferedAmount = 1;
    for (let count = 0; count < 5; count += 1) {
      change();
      await pass(500);
    }
    expect(page.states).toEqual([0]);
    page.bufferedAmount = 0;
    change();
    await pass(500);
    expect(page.states).toEqual([0, 2_500]);
  });

  it('cuts off a page that has taken nothing in for a minute', async () => {
    const { open, pass } = setUp();
    const page = await open();
    page.bufferedAmount = 1;
    await pass(60_000);
    expect(page.isTerminated).toBe(false);
    await pass(10_000);
    expect(page.isTerminated).toBe(true);
  });

  it('computes nothing when nobody watches', async () => {
    const { open, pass, change, computed } = setUp();
    const page = await open();
    page.emit('close');
    computed.length = 0;
    change();
    await pass(30_000);
    expect(computed).toEqual([]);
  });

  it('is still once it is closed', async () => {
    const { open, pass, change, feed, listeners } = setUp();
    const page = await open();
    feed.close();
    change();
    await pass(30_000);
    expect(page.states).toEqual([0]);
    expect(listeners.size).toBe(0);
  });
});
